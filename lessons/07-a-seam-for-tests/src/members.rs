//! The seam: what the service needs from whatever keeps its members.

use std::{fmt, pin::Pin};

use serde::{Deserialize, Serialize};

/// Somebody who has signed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The address. The same address in other letters (A to Z against a to z) is the same member.
    pub email: String,
    /// The name to show.
    pub name: String,
}

/// Why something could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Somebody has this address already.
    Taken,
    /// Whatever keeps the members does not answer.
    Unreachable,
}

/// A future in a box: it is `Send`, and a trait with such methods can be used as `dyn`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

// ANCHOR: members
/// Keeps members. It says what the service needs, in the service's words: no SQL, no row, no pool.
pub trait Members: fmt::Debug + Send + Sync {
    /// Adds a member, or says that the address is taken. Decided in one step: there is no asking beforehand.
    fn add(&self, member: Member) -> Answer<'_, ()>;
    /// The member with that address.
    fn find<'a>(&'a self, email: &'a str) -> Answer<'a, Option<Member>>;
    /// All members, by address.
    fn list(&self) -> Answer<'_, Vec<Member>>;
}
// ANCHOR_END: members
