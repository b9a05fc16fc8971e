//! What holds: a fake that passes the database's contract, or the database itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::Router;
use lab::Probes;

use crate::{
    Answer, Fault, Member, Members, app,
    sqlite::{STATEMENTS, Sqlite},
};

// ANCHOR: fake
/// Members in a map, by the address as the database compares it.
#[derive(Debug, Default)]
pub struct Fake {
    members: Mutex<BTreeMap<String, Member>>,
    unreachable: bool,
}

impl Fake {
    /// One whose every call fails, which a database does not do for the asking.
    pub fn unreachable() -> Self {
        Self { unreachable: true, ..Self::default() }
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Member>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.unreachable {
            return Err(Fault::Unreachable);
        }
        work(&mut self.members.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `COLLATE NOCASE` folds A to Z and nothing else. `to_lowercase` would be another order, and another constraint.
fn key(email: &str) -> String {
    email.to_ascii_lowercase()
}

impl Members for Fake {
    fn add(&self, member: Member) -> Answer<'_, ()> {
        let added = self.with(|members| match members.entry(key(&member.email)) {
            std::collections::btree_map::Entry::Occupied(_) => Err(Fault::Taken),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(member);
                Ok(())
            }
        });
        Box::pin(std::future::ready(added))
    }
    // ANCHOR_END: fake

    fn find<'a>(&'a self, email: &'a str) -> Answer<'a, Option<Member>> {
        Box::pin(std::future::ready(self.with(|members| Ok(members.get(&key(email)).cloned()))))
    }

    fn list(&self) -> Answer<'_, Vec<Member>> {
        Box::pin(std::future::ready(self.with(|members| Ok(members.values().cloned().collect()))))
    }
}

/// The service on a fake that passes the contract.
pub async fn fake(probes: Probes) -> Router {
    // Nobody counts here. The counter is made all the same, so that the picture shows the zero.
    probes.counter(STATEMENTS);
    app(Arc::new(Fake::default()))
}

/// The service on the database.
#[expect(clippy::expect_used, reason = "without SQLite in memory there is nothing to show")]
pub async fn sqlite(probes: Probes) -> Router {
    app(Arc::new(Sqlite::in_memory(&probes).await.expect("SQLite in memory needs nothing but memory")))
}
