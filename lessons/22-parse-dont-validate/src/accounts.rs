//! The table of accounts: a real SQLite in memory, one statement a call.

use lab::{Backend, Counter, Probes};
use serde::Serialize;
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use thiserror::Error;

/// The counter of accounts that were inserted.
pub const ROWS: &str = "rows inserted";

/// A client of the database. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Accounts {
    pool: SqlitePool,
    round_trip: Backend,
    rows: Counter,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Account {
    /// The name to log in with.
    pub username: String,
    /// The address that mail goes to.
    pub email: String,
    /// Whole years.
    pub age: i64,
}

/// Why a row was not inserted.
#[derive(Debug, Error)]
pub enum InsertError {
    /// A unique column holds this value already; the text is the column.
    #[error("the {0} is taken")]
    Taken(&'static str),
    /// Anything else. Its text is for the log.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Accounts {
    /// An empty table in which a name and an address occur once.
    ///
    /// # Panics
    /// If SQLite cannot be opened.
    pub async fn open(probes: &Probes) -> Self {
        Self::with(
            probes,
            "CREATE TABLE accounts (username TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE, age INTEGER NOT NULL)",
        )
        .await
    }

    /// An empty table in which anything occurs as often as one likes.
    ///
    /// # Panics
    /// If SQLite cannot be opened.
    pub async fn open_without_constraints(probes: &Probes) -> Self {
        Self::with(
            probes,
            "CREATE TABLE accounts (username TEXT NOT NULL, email TEXT NOT NULL, age INTEGER NOT NULL)",
        )
        .await
    }

    #[expect(clippy::expect_used, reason = "a table in memory that cannot be made leaves nothing to show")]
    async fn with(probes: &Probes, table: &'static str) -> Self {
        // Each connection to `:memory:` is a database of its own, and it ends with its connection: one, for ever.
        let options = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = options.connect("sqlite::memory:").await.expect("SQLite opens in memory");
        sqlx::query(table).execute(&pool).await.expect("the statement is a constant that is valid");
        Self { pool, round_trip: probes.backend("statements at the database"), rows: probes.counter(ROWS) }
    }

    /// `SELECT EXISTS (…)`: whether an account has the address at this moment.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn has_email(&self, email: &str) -> Result<bool, sqlx::Error> {
        let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM accounts WHERE email = ?)")
            .bind(email)
            .fetch_one(&self.pool)
            .await;
        // The answer is on its way, and the database serves others meanwhile.
        self.round_trip.call().await;
        found
    }

    /// `INSERT INTO accounts …`
    ///
    /// # Errors
    /// [`InsertError::Taken`] if a constraint forbids it, else what the database says.
    pub async fn insert(&self, username: &str, email: &str, age: u8) -> Result<(), InsertError> {
        let inserted = sqlx::query("INSERT INTO accounts (username, email, age) VALUES (?, ?, ?)")
            .bind(username)
            .bind(email)
            .bind(age)
            .execute(&self.pool)
            .await;
        if inserted.is_ok() {
            self.rows.add_one();
        }
        self.round_trip.call().await;
        inserted
            .map(drop)
            .map_err(|error| taken(&error).map_or(InsertError::Database(error), InsertError::Taken))
    }

    /// All accounts, by the order of their insertion.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn all(&self) -> Result<Vec<Account>, sqlx::Error> {
        sqlx::query_as("SELECT username, email, age FROM accounts ORDER BY rowid").fetch_all(&self.pool).await
    }
}

/// The column whose constraint was violated. SQLite names it in its text and nowhere else; PostgreSQL has
/// `constraint()` for it.
fn taken(error: &sqlx::Error) -> Option<&'static str> {
    let fault = error.as_database_error().filter(|fault| fault.is_unique_violation())?;
    ["username", "email"].into_iter().find(|column| fault.message().ends_with(column))
}
