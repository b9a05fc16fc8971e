//! Who there is. It stands for an identity provider and its table of users.
//!
//! How passwords are kept and compared is the subject of lesson 10. Nothing here is a way to do it: it only lets somebody
//! in, so that there is a session to steal.

/// A user, as the record says.
#[derive(PartialEq, Eq)]
pub struct User {
    /// The name, by which the record is found.
    pub name: &'static str,
    /// What the user may do.
    pub role: &'static str,
    /// The password, in the clear only because nobody's account hangs on it.
    pub(crate) password: &'static str,
}

/// The admin whose token is stolen.
pub const ADA: User = User { name: "ada", role: "admin", password: "a long walk in the rain" };

const USERS: [User; 2] = [ADA, User { name: "mallory", role: "user", password: "nobody will ever know" }];

/// The user of that name.
pub fn find(name: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.name == name)
}

/// The user of that name, if the password is theirs.
pub fn sign_in(name: &str, password: &str) -> Option<&'static User> {
    find(name).filter(|user| user.password == password)
}
