//! The table of users, in memory. What is shown here is what goes over the wire; lesson 10 is about the hash.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

/// A client of the table. Cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub struct Users(Arc<Mutex<Vec<UserRow>>>);

/// One row. It is no type for the wire: neither of serde's traits is derived.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Its number, from 1.
    pub id: u64,
    /// The name to show.
    pub name: String,
    /// What the user may do: `user` or `admin`.
    pub role: String,
    /// A few words, if there are any.
    pub bio: Option<String>,
    /// How to reach the user, if they have said so.
    pub contact: Option<Contact>,
    /// Only whoever checks a password needs it.
    pub password_hash: String,
}

/// How to reach a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Contact {
    /// By mail.
    Mail {
        /// Where to.
        address: String,
    },
    /// By phone.
    Phone {
        /// Which one.
        number: String,
    },
}

impl Users {
    /// Adds a user; the id of the row is ignored and chosen here.
    pub fn insert(&self, row: UserRow) -> UserRow {
        let mut rows = self.rows();
        let id = u64::try_from(rows.len()).unwrap_or(u64::MAX).saturating_add(1);
        let row = UserRow { id, ..row };
        rows.push(row.clone());
        row
    }

    /// The user of that number.
    pub fn find(&self, id: u64) -> Option<UserRow> {
        self.rows().iter().find(|row| row.id == id).cloned()
    }

    /// Changes a user in one step, and says what came of it.
    pub fn update(&self, id: u64, change: impl FnOnce(&mut UserRow)) -> Option<UserRow> {
        let mut rows = self.rows();
        let row = rows.iter_mut().find(|row| row.id == id)?;
        change(row);
        Some(row.clone())
    }

    /// All users, by number.
    pub fn all(&self) -> Vec<UserRow> {
        self.rows().clone()
    }

    fn rows(&self) -> MutexGuard<'_, Vec<UserRow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that looks like a hash of Argon2. It is none: the lesson needs something that must not be seen.
pub fn stand_in_hash(password: &str) -> String {
    let mut hasher = DefaultHasher::new();
    password.hash(&mut hasher);
    format!("$argon2id$stand-in${:016x}", hasher.finish())
}
