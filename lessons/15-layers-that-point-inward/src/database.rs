//! Orders in SQLite. It counts what it is asked.

use lab::{Counter, Probes};
use ordering::{Order, Orders};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};

/// The counter of databases.
pub const DATABASES: &str = "databases opened";
/// The counter of statements, the schema's included.
pub const STATEMENTS: &str = "statements";

const SCHEMA: &str = "CREATE TABLE orders (number INTEGER PRIMARY KEY, total_cents INTEGER NOT NULL) STRICT";
/// Keeps an order.
pub(crate) const KEEP: &str = "INSERT INTO orders (total_cents) VALUES (?)";

/// A database with a table of orders.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: SqlitePool,
    statements: Counter,
}

impl Database {
    /// One in memory, with an empty table.
    ///
    /// # Errors
    /// If SQLite does not work at all.
    pub async fn in_memory(probes: &Probes) -> Result<Self, sqlx::Error> {
        // It lives in its one connection, so that connection stays open.
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect("sqlite::memory:").await?;
        probes.counter(DATABASES).add_one();
        let database = Self { pool, statements: probes.counter(STATEMENTS) };
        sqlx::query(database.counted(SCHEMA)).execute(&database.pool).await?;
        Ok(database)
    }

    /// Counts a statement on its way to the database.
    pub(crate) fn counted(&self, statement: &'static str) -> &'static str {
        self.statements.add_one();
        statement
    }
}

// ANCHOR: adapter
/// The domain's wish, in SQL. The arrow points inward: this file knows the domain, the domain does not know this file.
impl Orders for Database {
    type Fault = sqlx::Error;

    async fn keep(&self, order: &Order) -> Result<u64, sqlx::Error> {
        let total = i64::try_from(order.total()).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let kept = sqlx::query(self.counted(KEEP)).bind(total).execute(&self.pool).await?;
        u64::try_from(kept.last_insert_rowid()).map_err(|error| sqlx::Error::Decode(error.into()))
    }
}
// ANCHOR_END: adapter
