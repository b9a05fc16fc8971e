//! The bank: accounts in an SQLite file of the run's own, behind a pool, and a partner bank that is asked over the network.

use std::{sync::Arc, time::Duration};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use lab::{Backend, Control, Probes};
use serde::{Deserialize, Serialize};
use sqlx::{
    Connection as _, Executor, Sqlite, SqliteConnection, SqlitePool,
    error::ErrorKind,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tempfile::TempDir;
use thiserror::Error;

/// The gauge of calls that are at the partner bank.
pub const PARTNER: &str = "calls at the partner bank";

/// How many connections the pool holds.
pub const POOL: Control = Control { name: "pool", label: "connections", min: 1, max: 16, default: 4 };

/// How long a request waits for a connection. sqlx waits 30 seconds by default; here a run must end.
const PATIENCE: Duration = Duration::from_secs(1);

const SCHEMA: &str = "
    CREATE TABLE accounts (name TEXT PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0));
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        account TEXT NOT NULL REFERENCES accounts (name),
        cents INTEGER NOT NULL
    );
    INSERT INTO accounts VALUES ('ada', 100), ('ben', 0);
";

/// The database and the partner. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Bank {
    pool: SqlitePool,
    file: SqliteConnectOptions,
    partner: Backend,
    _folder: Arc<TempDir>,
}

impl Bank {
    /// A new database in a folder that goes with the bank. Ada has 100 cents, Ben none.
    ///
    /// # Panics
    /// If the folder or the file cannot be made. There is nothing to serve then.
    #[expect(clippy::expect_used, reason = "without its database the experiment has nothing to show")]
    pub async fn new(probes: &Probes) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the database");
        let file = SqliteConnectOptions::new()
            .filename(folder.path().join("bank.db"))
            .create_if_missing(true)
            // Readers do not wait for the writer. sqlx leaves the mode as it finds it.
            .journal_mode(SqliteJournalMode::Wal)
            // How long BEGIN IMMEDIATE waits for its turn. It is sqlx's default, written down because it matters here.
            .busy_timeout(Duration::from_secs(5));
        let connections = probes.control(POOL.name).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .connect_with(file.clone())
            .await
            .expect("SQLite makes a file");
        sqlx::raw_sql(SCHEMA).execute(&pool).await.expect("the schema is valid");
        Self { pool, file, partner: probes.backend(PARTNER), _folder: Arc::new(folder) }
    }

    /// The pool of connections.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Asks the partner bank about an account. It takes its time, and many may ask at once.
    pub async fn ask_partner(&self, _account: &str) {
        self.partner.call().await;
    }

    /// What an account holds as the auditors see it: over a connection of their own, so only what was committed.
    ///
    /// # Errors
    /// If the database fails or there is no such account.
    pub async fn audited(&self, account: &str) -> Result<i64, BankError> {
        let mut auditors = SqliteConnection::connect_with(&self.file).await?;
        balance(&mut auditors, account).await
    }
}

/// What an account holds, in cents.
///
/// # Errors
/// If the database fails or there is no such account.
pub async fn balance(
    database: impl Executor<'_, Database = Sqlite>,
    account: &str,
) -> Result<i64, BankError> {
    let cents = sqlx::query_scalar("SELECT cents FROM accounts WHERE name = ?").bind(account);
    cents.fetch_optional(database).await?.ok_or(BankError::NoSuchAccount)
}

/// The amounts that were moved to and from an account, oldest first.
///
/// # Errors
/// If the database fails.
pub async fn entries(
    database: impl Executor<'_, Database = Sqlite>,
    account: &str,
) -> Result<Vec<i64>, BankError> {
    let cents = sqlx::query_scalar("SELECT cents FROM entries WHERE account = ? ORDER BY id").bind(account);
    Ok(cents.fetch_all(database).await?)
}

/// Adds an amount, which may be negative, to an account, and writes the entry. Two statements: they belong in a transaction.
///
/// # Errors
/// If the database fails, there is no such account, or it would hold less than nothing.
pub async fn book(connection: &mut SqliteConnection, account: &str, cents: i64) -> Result<(), BankError> {
    let changed = sqlx::query("UPDATE accounts SET cents = cents + ? WHERE name = ?")
        .bind(cents)
        .bind(account)
        .execute(&mut *connection)
        .await?;
    if changed.rows_affected() == 0 {
        return Err(BankError::NoSuchAccount);
    }
    sqlx::query("INSERT INTO entries (account, cents) VALUES (?, ?)")
        .bind(account)
        .bind(cents)
        .execute(connection)
        .await?;
    Ok(())
}

/// The body of `POST /transfers`.
#[derive(Debug, Deserialize, Serialize)]
pub struct CreateTransfer {
    /// Who pays.
    pub from: String,
    /// Who is paid.
    pub to: String,
    /// How much. Unsigned: a negative amount would take money from the payee, and serde refuses it.
    pub cents: u32,
}

impl CreateTransfer {
    /// How much, as accounts count.
    pub fn amount(&self) -> i64 {
        i64::from(self.cents)
    }
}

/// What `GET /accounts/{name}/statement` answers.
#[derive(Debug, Serialize)]
pub struct StatementResponse {
    /// What the account holds.
    pub cents: i64,
    /// What was moved, oldest first.
    pub entries: Vec<i64>,
}

/// Why the bank did not do what was asked. The text is for the log; the client sees the status.
#[derive(Debug, Error)]
pub enum BankError {
    /// There is no account of that name.
    #[error("no such account")]
    NoSuchAccount,
    /// The account would hold less than nothing.
    #[error("not enough money")]
    NotEnough,
    /// No connection came free in time, or another transaction holds the database.
    #[error("the database is busy: {0}")]
    Busy(sqlx::Error),
    /// Anything else that the database says.
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for BankError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::PoolTimedOut = error {
            return Self::Busy(error);
        }
        let Some(said) = error.as_database_error() else { return Self::Database(error) };
        // The low byte of SQLite's extended codes is the code proper: 5 is SQLITE_BUSY.
        let busy = said.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5);
        match said.kind() {
            ErrorKind::CheckViolation => Self::NotEnough,
            _ if busy => Self::Busy(error),
            _ => Self::Database(error),
        }
    }
}

impl IntoResponse for BankError {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchAccount => StatusCode::NOT_FOUND.into_response(),
            Self::NotEnough => StatusCode::CONFLICT.into_response(),
            Self::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(),
            Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
