//! The database: SQLite in a file, or PostgreSQL. The handlers write one SQL text for both and do not know which one it is.
//!
//! sqlx has a pool type of its own for each engine, and an `Any` type over them that knows neither UUIDs nor times. So there
//! is one small enum over the two native pools, and a [`Query`] that binds its values for the engine that it will run on.
//! What the engines do not share stays in this folder: how a pool is opened (`sqlite.rs`, `postgres.rs`), how a file is read
//! without a hand-over for each row (`read.rs`, `readers.rs`), how a writing transaction begins, how a row is locked, and what their
//! errors mean (`fault.rs`).

mod fault;
mod postgres;
mod read;
mod readers;
mod sqlite;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Arguments, AssertSqlSafe, Encode, FromRow, PgPool, Postgres, SqlSafeStr, SqlStr, Sqlite, SqlitePool,
    Type,
    error::BoxDynError,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

pub use fault::OpenError;
pub(crate) use fault::{OnConflict, Unique, is_passing};
pub(crate) use read::{ReadRow, moment};
use readers::Readers;
pub(crate) use sqlite::file;

// ANCHOR: two_databases
/// The database connections. Cloned cheaply: every clone holds the same pool.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    pool: Pool,
    /// How many statements were sent, `BEGIN` and `COMMIT` included: each of them is a way to the database and back.
    statements: Arc<AtomicU64>,
}

/// Which engine it is. Nothing outside of this folder asks.
#[derive(Clone, Debug)]
enum Pool {
    /// A file has threads that only read; a database in memory has its one connection.
    Sqlite(SqlitePool, Option<Readers>),
    Postgres(PgPool),
}

/// A transaction. Dropped without a commit, it is rolled back: by an error, by a panic, and by a client that hangs up.
#[derive(Debug)]
pub(crate) struct Transaction {
    inner: Begun,
    statements: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Begun {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}
// ANCHOR_END: two_databases

/// Whether an address means PostgreSQL.
pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// Opens the database with at most that many connections and brings its schema up to date.
///
/// # Errors
/// See [`OpenError`].
pub(crate) async fn open(url: &SecretString, connections: u32) -> Result<Db, OpenError> {
    let url = url.expose_secret();
    let pool = if is_postgres(url) {
        Pool::Postgres(postgres::open(url, connections).await?)
    } else {
        let pool = sqlite::open(url, connections).await?;
        let readers = file(url).map(Readers::start).transpose().map_err(OpenError::Connect)?;
        Pool::Sqlite(pool, readers)
    };
    Ok(Db { pool, statements: Arc::default() })
}

impl Db {
    // ANCHOR: begin_writing
    /// Begins a transaction that will write.
    ///
    /// SQLite has one writer at a time. A plain `BEGIN` there takes the right to write at the first write, and a transaction
    /// that has read before fails at once if another one has written since: no timeout is waited for. `IMMEDIATE` takes it
    /// at the beginning, where waiting is possible. PostgreSQL has many writers, and locks the rows that they touch.
    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        self.count();
        let inner = match &self.pool {
            Pool::Sqlite(pool, _) => Begun::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres(pool) => Begun::Postgres(pool.begin().await?),
        };
        Ok(Transaction { inner, statements: Arc::clone(&self.statements) })
    }
    // ANCHOR_END: begin_writing

    /// How many statements were sent so far.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Connections that are open, and those of them that nobody uses right now.
    pub(crate) fn connections(&self) -> (u32, usize) {
        match &self.pool {
            Pool::Sqlite(pool, _) => (pool.size(), pool.num_idle()),
            Pool::Postgres(pool) => (pool.size(), pool.num_idle()),
        }
    }

    /// Waits until every connection is returned, and closes them.
    pub(crate) async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool, readers) => {
                // First: the last connection to be closed brings the log home into the file, and it has to be one that may write.
                if let Some(readers) = readers {
                    readers.close().await;
                }
                pool.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    fn count(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }
}

impl Transaction {
    /// Makes it durable and visible to others.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        match self.inner {
            Begun::Sqlite(transaction) => transaction.commit().await,
            Begun::Postgres(transaction) => transaction.commit().await,
        }
    }
}

/// What a statement can be sent to: the pool, which lends a connection for it, or a transaction.
pub(crate) trait Executor<'c> {
    /// A statement. Its parameters are `$1`, `$2` and so on: both engines read those.
    fn query(self, sql: &'static str) -> Query<'c>;
}

impl<'c> Executor<'c> for &'c Db {
    fn query(self, sql: &'static str) -> Query<'c> {
        self.count();
        let target = match &self.pool {
            Pool::Sqlite(pool, _) => Target::SqlitePool(pool, Bound::default()),
            Pool::Postgres(pool) => Target::PostgresPool(pool, Bound::default()),
        };
        Query { sql: sql.into_sql_str(), target }
    }
}

impl<'c> Executor<'c> for &'c mut Transaction {
    fn query(self, sql: &'static str) -> Query<'c> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let target = match &mut self.inner {
            Begun::Sqlite(transaction) => Target::SqliteTransaction(transaction, Bound::default()),
            Begun::Postgres(transaction) => Target::PostgresTransaction(transaction, Bound::default()),
        };
        Query { sql: sql.into_sql_str(), target }
    }
}

/// One statement with its values, on its way to one of the engines.
#[must_use = "a statement does nothing until it is run"]
pub(crate) struct Query<'c> {
    sql: SqlStr,
    target: Target<'c>,
}

enum Target<'c> {
    SqlitePool(&'c SqlitePool, Bound<SqliteArguments>),
    SqliteTransaction(&'c mut sqlx::Transaction<'static, Sqlite>, Bound<SqliteArguments>),
    PostgresPool(&'c PgPool, Bound<PgArguments>),
    PostgresTransaction(&'c mut sqlx::Transaction<'static, Postgres>, Bound<PgArguments>),
}

/// The values so far, or why one of them could not be written down.
struct Bound<A>(Result<A, BoxDynError>);

impl<A: Default> Default for Bound<A> {
    fn default() -> Self {
        Self(Ok(A::default()))
    }
}

impl<A: Arguments> Bound<A> {
    fn add<T>(&mut self, value: T)
    where
        T: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    {
        if let Ok(arguments) = &mut self.0
            && let Err(error) = arguments.add(value)
        {
            self.0 = Err(error);
        }
    }

    fn finish(self) -> Result<A, sqlx::Error> {
        self.0.map_err(sqlx::Error::Encode)
    }
}

/// A value that both engines can store.
pub(crate) trait Value:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}

impl<T> Value for T where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}

/// A row that both engines can give: what `#[derive(sqlx::FromRow)]` makes, and a tuple of such values.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// Runs the statement by those functions of sqlx, on whichever engine it is for.
macro_rules! run {
    ($query:expr, $make:ident, $method:ident $(, $then:expr)?) => {{
        let Query { sql, target } = $query;
        match target {
            Target::SqlitePool(pool, values) => {
                sqlx::$make(sql, values.finish()?).$method(pool).await$(.map($then))?
            }
            Target::SqliteTransaction(transaction, values) => {
                sqlx::$make(sql, values.finish()?).$method(&mut **transaction).await$(.map($then))?
            }
            Target::PostgresPool(pool, values) => {
                sqlx::$make(sql, values.finish()?).$method(pool).await$(.map($then))?
            }
            Target::PostgresTransaction(transaction, values) => {
                sqlx::$make(sql, values.finish()?).$method(&mut **transaction).await$(.map($then))?
            }
        }
    }};
}

impl Query<'_> {
    /// The value of the next parameter.
    pub(crate) fn bind(mut self, value: impl Value) -> Self {
        match &mut self.target {
            Target::SqlitePool(_, values) | Target::SqliteTransaction(_, values) => values.add(value),
            Target::PostgresPool(_, values) | Target::PostgresTransaction(_, values) => values.add(value),
        }
        self
    }

    // ANCHOR: for_update
    /// Locks the rows that are read until the transaction ends, so that two who read before they write take turns.
    ///
    /// In SQLite the whole database is theirs already: see [`Db::begin`].
    pub(crate) fn for_update(mut self) -> Self {
        if matches!(self.target, Target::PostgresTransaction(..)) {
            // Safe: the text is ours, and so is what is added to it.
            self.sql = AssertSqlSafe(format!("{} FOR UPDATE", self.sql.as_str())).into_sql_str();
        }
        self
    }
    // ANCHOR_END: for_update

    /// Runs it and says how many rows it touched.
    pub(crate) async fn execute(self) -> Result<u64, sqlx::Error> {
        run!(self, query_with, execute, |done| done.rows_affected())
    }

    /// The one row that there is.
    pub(crate) async fn fetch_one<T: Row>(self) -> Result<T, sqlx::Error> {
        run!(self, query_as_with, fetch_one)
    }

    /// The row, if there is one.
    pub(crate) async fn fetch_optional<T: Row>(self) -> Result<Option<T>, sqlx::Error> {
        run!(self, query_as_with, fetch_optional)
    }

    /// All rows. The statement has to have a limit.
    pub(crate) async fn fetch_all<T: Row>(self) -> Result<Vec<T>, sqlx::Error> {
        run!(self, query_as_with, fetch_all)
    }
}
