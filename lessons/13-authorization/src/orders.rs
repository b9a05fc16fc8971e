//! The table of orders. It stands for a database: each call is one statement.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::users::{ADA, EVE};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Order {
    /// Its number. Numbers are given in turn, so everybody can guess the others.
    pub id: u32,
    /// The name of whoever placed it.
    pub owner: String,
    /// What was ordered.
    pub item: String,
}

/// The rows that a statement may see and touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `owner = ?`
    OwnedBy(&'static str),
    /// All of them.
    All,
}

impl Scope {
    fn holds(self, order: &Order) -> bool {
        match self {
            Self::OwnedBy(name) => order.owner == name,
            Self::All => true,
        }
    }
}

/// A client of the database. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Orders(Arc<Mutex<Vec<Order>>>);

impl Orders {
    /// Two orders of Ada and one of Eve.
    pub fn new() -> Self {
        let rows = [(1, ADA, "umbrella"), (2, ADA, "raincoat"), (3, EVE, "binoculars")];
        let order =
            |(id, owner, item): (u32, &str, &str)| Order { id, owner: owner.into(), item: item.into() };
        Self(Arc::new(Mutex::new(rows.map(order).into())))
    }

    /// `SELECT … FROM orders WHERE id = ?`
    pub fn find(&self, id: u32) -> Option<Order> {
        self.find_within(Scope::All, id)
    }

    /// `SELECT … FROM orders WHERE id = ? AND owner = ?`
    pub fn find_within(&self, scope: Scope, id: u32) -> Option<Order> {
        self.table().iter().find(|order| order.id == id && scope.holds(order)).cloned()
    }

    /// `SELECT … FROM orders ORDER BY id`
    pub fn list(&self) -> Vec<Order> {
        self.list_within(Scope::All)
    }

    /// `SELECT … FROM orders WHERE owner = ? ORDER BY id`
    pub fn list_within(&self, scope: Scope) -> Vec<Order> {
        self.table().iter().filter(|order| scope.holds(order)).cloned().collect()
    }

    /// `SELECT count(*) FROM orders`
    pub fn count(&self) -> usize {
        self.count_within(Scope::All)
    }

    /// `SELECT count(*) FROM orders WHERE owner = ?`
    pub fn count_within(&self, scope: Scope) -> usize {
        self.table().iter().filter(|order| scope.holds(order)).count()
    }

    /// `DELETE FROM orders WHERE id = ? RETURNING …`
    pub fn cancel(&self, id: u32) -> Option<Order> {
        self.cancel_within(Scope::All, id)
    }

    /// `DELETE FROM orders WHERE id = ? AND owner = ? RETURNING …`
    pub fn cancel_within(&self, scope: Scope, id: u32) -> Option<Order> {
        let mut table = self.table();
        let place = table.iter().position(|order| order.id == id && scope.holds(order))?;
        Some(table.remove(place))
    }

    fn table(&self) -> MutexGuard<'_, Vec<Order>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Orders {
    fn default() -> Self {
        Self::new()
    }
}
