//! The report database that the service asks. It stands for any driver, SDK or file that takes its time.

use lab::{Backend, Probes, Rows};
use serde::Serialize;

/// A client of the report database. Cloning it is cheap, like cloning a connection pool.
#[derive(Clone, Debug)]
pub struct Warehouse(Backend);

/// What a report says.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The number of orders.
    pub orders: u64,
}

impl Warehouse {
    /// A client, as the experiment hands it out.
    pub fn new(probes: &Probes) -> Self {
        Self(probes.backend("queries at the warehouse"))
    }

    /// Asks for the summary and waits for it: the call returns when the answer is there.
    pub fn summary_blocking(&self) -> Summary {
        self.0.call_blocking();
        Summary { orders: 42 }
    }

    /// Asks for the summary; the future is ready when the answer is there.
    pub async fn summary(&self) -> Summary {
        self.0.call().await;
        Summary { orders: 42 }
    }

    /// The rows of the orders table, already in memory.
    pub fn rows(&self) -> Rows {
        self.0.rows()
    }
}
