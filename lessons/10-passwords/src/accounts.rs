//! The table of accounts. It stands for a database: it holds a hash for each name, and never a password.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use argon2::{Params, password_hash::phc::PasswordHash};

use crate::argon::{POLICY, Scale, stored};

/// Somebody with a hash of today.
pub const ADA: &str = "ada";
/// Somebody whose hash was made years ago and never again.
pub const GRACE: &str = "grace";
/// The password of both, which only the experiments know.
pub(crate) const PASSWORD: &str = "a long walk in the rain";

/// A client of the database. Cloning it is cheap.
#[derive(Clone)]
pub struct Accounts(Arc<Mutex<HashMap<String, PasswordHash>>>);

impl Accounts {
    /// A table with Ada and Grace in it.
    ///
    /// # Panics
    /// If the system has no randomness to give.
    pub fn new() -> Self {
        // Made once in a process: it is slow on purpose, and no part of what is counted.
        static ROWS: LazyLock<HashMap<String, PasswordHash>> = LazyLock::new(|| rows(Scale::WHOLE));
        Self(Arc::new(Mutex::new(ROWS.clone())))
    }

    /// The same for a hash function of that scale.
    ///
    /// # Panics
    /// If the system has no randomness to give.
    pub fn scaled(scale: Scale) -> Self {
        Self(Arc::new(Mutex::new(rows(scale))))
    }

    /// `SELECT hash FROM accounts WHERE name = ?`
    pub fn find(&self, name: &str) -> Option<PasswordHash> {
        self.table().get(name).cloned()
    }

    /// `UPDATE accounts SET hash = ? WHERE name = ? AND hash = ?`: a password that was changed meanwhile stays changed.
    pub fn replace(&self, name: &str, old: &PasswordHash, new: PasswordHash) {
        if let Some(hash) = self.table().get_mut(name).filter(|hash| *hash == old) {
            *hash = new;
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, PasswordHash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::expect_used, reason = "constants that argon2 allows")]
fn rows(scale: Scale) -> HashMap<String, PasswordHash> {
    let years_ago = Params::new(4 * 1024, 1, 1, None).expect("valid parameters");
    let row = |name: &str, price| (name.to_owned(), stored(PASSWORD, &price, scale));
    HashMap::from([row(ADA, POLICY), row(GRACE, years_ago)])
}

impl Default for Accounts {
    fn default() -> Self {
        Self::new()
    }
}
