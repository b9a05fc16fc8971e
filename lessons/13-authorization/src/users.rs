//! Who makes the request. It stands for lessons 11 and 12: a bearer token is a session, and a session belongs to a user.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Works with their own orders.
    Customer,
    /// Looks at everybody's orders and changes none.
    Support,
    /// Looks after the shop.
    Admin,
}

/// A user, as the record says right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The name, by which orders know their owner.
    pub name: &'static str,
    /// What the user may do: from the record, not from a token.
    pub role: Role,
}

/// A customer with two orders.
pub const ADA: &str = "ada";
/// A customer with one order, who looks at other people's.
pub const EVE: &str = "eve";
/// Works in support.
pub const SAM: &str = "sam";
/// Looks after the shop.
pub const RUTH: &str = "ruth";
/// Had an account once; the session has not ended yet.
pub const GONE: &str = "gone";

/// The session that the token belongs to, as the name of its user; `None` if there is none.
///
/// Here the token is the name. How a real one is made and checked is the subject of the two lessons before.
pub fn session(headers: &HeaderMap) -> Option<&'static str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let known = [ADA, EVE, SAM, RUTH, GONE].into_iter().find(|name| *name == token);
    known.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}

/// `SELECT name, role FROM users WHERE name = ?`
pub fn find(name: &str) -> Option<User> {
    let user = |name, role| Some(User { name, role });
    match name {
        ADA => user(ADA, Role::Customer),
        EVE => user(EVE, Role::Customer),
        SAM => user(SAM, Role::Support),
        RUTH => user(RUTH, Role::Admin),
        _ => None,
    }
}

/// 401: nobody, or nobody any more. The challenge says what is wanted (RFC 9110 §15.5.2).
#[derive(Debug)]
pub struct Unauthenticated;

impl IntoResponse for Unauthenticated {
    fn into_response(self) -> Response {
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer realm=\"orders\"")]).into_response()
    }
}

/// A handler that takes a `User` cannot run without one.
impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Unauthenticated;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Unauthenticated> {
        // A session of nobody is a bad session. 404 would tell that the account is gone.
        session(&parts.headers).and_then(find).ok_or(Unauthenticated)
    }
}
