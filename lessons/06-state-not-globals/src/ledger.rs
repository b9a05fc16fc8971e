//! What a shop's service works with: a ledger that numbers invoices, and the currency that the shop sells in.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};

/// What `POST /invoices` and `POST /refunds` take.
#[derive(Debug, Deserialize)]
pub struct Order {
    /// What was sold.
    pub item: String,
    /// Its price in the smallest unit of the shop's currency.
    pub cents: u32,
}

/// What they answer.
#[derive(Debug, Serialize)]
pub struct Invoice {
    /// Its number: each shop counts from 1, without gaps.
    pub number: u64,
    /// What was sold.
    pub item: String,
    /// Its price.
    pub cents: u32,
    /// The shop's currency.
    pub currency: Currency,
}

/// A currency, by its ISO 4217 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Currency(pub &'static str);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self("EUR");
    /// The Norwegian krone.
    pub const NOK: Self = Self("NOK");

    /// The currency of that code, if a shop may sell in it.
    pub fn of(code: &str) -> Option<Self> {
        [Self::EUR, Self::NOK].into_iter().find(|currency| currency.0 == code)
    }
}

/// The invoices of one shop. Clones are handles to the same ledger, like clones of a connection pool.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<AtomicU64>);

impl Ledger {
    /// Issues the next invoice.
    pub fn issue(&self, order: Order, currency: Currency) -> Invoice {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Invoice { number, item: order.item, cents: order.cents, currency }
    }

    /// How many were issued.
    pub fn issued(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
