//! What can go wrong with a database, and what it means: at the start, for a client, and for whoever tries again.

use std::{io, path::PathBuf};

use sqlx::{migrate::MigrateError, postgres::PgDatabaseError, sqlite::SqliteError};
use thiserror::Error;

use crate::error::ApiError;

/// Why the database could not be opened. Nothing was started. No text repeats the address, which may hold a password.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The address is not understood.
    #[error("database.url is not understood: {0}")]
    Address(#[source] sqlx::Error),
    /// The folder or the lock beside the file cannot be used.
    #[error("{path} cannot be used: {1}; choose another place with API_DATABASE__URL", path = .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// The file cannot be opened as a database.
    #[error("the database cannot be opened: {0}; choose another file with API_DATABASE__URL")]
    Connect(#[source] sqlx::Error),
    /// The server does not answer, or refuses us.
    #[error("PostgreSQL at {server} cannot be used: {cause}; look at DATABASE_URL and at the server")]
    Server {
        /// Host and database, without user and password.
        server: String,
        /// What it answered last.
        #[source]
        cause: sqlx::Error,
    },
    /// The library is too old to be trusted with data.
    #[error("SQLite is {0}; {need} or newer is needed", need = "3.51.3")]
    OldSqlite(String),
    /// The schema is not one that this version can work with.
    #[error("the schema cannot be brought up to date: {0}. Is the database from a newer version?")]
    Migrate(#[source] MigrateError),
}

// ANCHOR: is_passing
/// Whether the same statement may succeed in a moment: the database is busy, full, restarting or gone.
pub(crate) fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        sqlx::Error::Database(fault) => {
            let code = fault.code().unwrap_or_default();
            if fault.try_downcast_ref::<SqliteError>().is_some() {
                // The primary code is in the low byte: 5 busy, 6 locked, 13 disk full (https://sqlite.org/rescode.html).
                code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 5 | 6 | 13))
            } else {
                // Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html: 08 connection, 40 rolled back
                // because of others (a deadlock), 53 out of memory, disk or connections, 57 stopped or cut off, 55P03 lock.
                matches!(code.get(..2), Some("08" | "40" | "53" | "57")) || code == "55P03"
            }
        }
        sqlx::Error::AnyDriverError(error) => {
            use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull};
            let code = error.downcast_ref().and_then(rusqlite::Error::sqlite_error_code);
            matches!(code, Some(DatabaseBusy | DatabaseLocked | DiskFull))
        }
        _ => false,
    }
}
// ANCHOR_END: is_passing

/// A unique constraint, as each engine names it in an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unique {
    /// Its name in PostgreSQL.
    pub(crate) name: &'static str,
    /// Its columns in SQLite, which does not tell the name: `users.email`.
    pub(crate) columns: &'static str,
}

// ANCHOR: on_conflict
/// Turns the violation of a unique constraint into what the client is told.
pub(crate) trait OnConflict<T> {
    /// Any other error stays what it is.
    fn on_conflict(self, constraint: Unique, error: ApiError) -> Result<T, ApiError>;
}

impl<T> OnConflict<T> for Result<T, sqlx::Error> {
    fn on_conflict(self, constraint: Unique, error: ApiError) -> Result<T, ApiError> {
        self.map_err(|cause| match &cause {
            sqlx::Error::Database(fault) if fault.is_unique_violation() => {
                let ours = match fault.try_downcast_ref::<PgDatabaseError>() {
                    Some(fault) => fault.constraint() == Some(constraint.name),
                    None => fault.message().ends_with(constraint.columns),
                };
                if ours { error } else { cause.into() }
            }
            _ => cause.into(),
        })
    }
}
// ANCHOR_END: on_conflict
