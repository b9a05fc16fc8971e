//! The library's database: authors and their books, in SQLite. It counts the statements it is sent and the rows it hands over.

use std::pin::Pin;

use axum::http::StatusCode;
use lab::{Counter, Probes};
use sqlx::{
    Either, Execute, Executor, SqlStr, Sqlite, SqlitePool,
    sqlite::{SqlitePoolOptions, SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo},
};
use tokio_stream::{Stream, StreamExt as _};

use crate::{AUTHORS, BOOKS};

/// The counter of statements that were sent to the database.
pub const STATEMENTS: &str = "statements sent";
/// The counter of rows that the database handed over.
pub const ROWS: &str = "rows read";

const SCHEMA: &str = "
    CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE books (
        id INTEGER PRIMARY KEY,
        author_id INTEGER NOT NULL REFERENCES authors (id),
        title TEXT NOT NULL,
        published INTEGER NOT NULL
    );
    CREATE INDEX books_by_author ON books (author_id);
    CREATE INDEX books_by_age ON books (published, id);
";

/// The books of a small shelf, oldest first. Four are of one year, and a page of three ends among them.
pub const SHELF: [(&str, i64); 9] = [
    ("A Wizard of Earthsea", 1968),
    ("The Dispossessed", 1974),
    ("Neuromancer", 1984),
    ("Hyperion", 1989),
    ("A Fire Upon the Deep", 1992),
    ("Doomsday Book", 1992),
    ("Red Mars", 1992),
    ("Snow Crash", 1992),
    ("Parable of the Sower", 1993),
];

/// The database. It is used as a connection pool is: `sqlx::query(…).fetch_all(&library)`. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Library {
    pool: SqlitePool,
    statements: Counter,
    rows: Counter,
}

impl Library {
    /// A new database in memory, with as many authors or books as the experiment's controls say, or else the small shelf.
    ///
    /// # Panics
    /// If SQLite cannot make a database in memory. There is nothing to serve then.
    #[expect(clippy::expect_used, reason = "without its database the experiment has nothing to show")]
    pub async fn new(probes: &Probes) -> Self {
        let pool = SqlitePoolOptions::new()
            // A database in memory lives in its connection: a second one would be another, empty database.
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect("sqlite::memory:")
            .await
            .expect("SQLite makes a database in memory");
        sqlx::raw_sql(SCHEMA).execute(&pool).await.expect("the schema is valid");
        fill(&pool, probes).await.expect("the rows fit the schema");
        // What it took to fill the tables is not counted.
        Self { pool, statements: probes.counter(STATEMENTS), rows: probes.counter(ROWS) }
    }
}

async fn fill(pool: &SqlitePool, probes: &Probes) -> Result<(), sqlx::Error> {
    let authors = probes.control(AUTHORS.name).map(u64::cast_signed);
    let books = probes.control(BOOKS.name).map(u64::cast_signed);
    for id in 1..=authors.unwrap_or(1) {
        sqlx::query("INSERT INTO authors (id, name) VALUES (?, ?)")
            .bind(id)
            .bind(format!("author {id:03}"))
            .execute(pool)
            .await?;
        // None, one or two books, so that a page shows whether authors without books are on it.
        for number in 0..authors.map_or(0, |_| id % 3) {
            add(pool, id, &format!("book {id:03}-{number}"), 1990 + number).await?;
        }
    }
    for number in 1..=books.unwrap_or(0) {
        add(pool, 1, &format!("book {number:04}"), 1900 + number % 100).await?;
    }
    if authors.or(books).is_none() {
        for (title, published) in SHELF {
            add(pool, 1, title, published).await?;
        }
    }
    Ok(())
}

async fn add(
    database: impl Executor<'_, Database = Sqlite>,
    author: i64,
    title: &str,
    published: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO books (author_id, title, published) VALUES (?, ?, ?)")
        .bind(author)
        .bind(title)
        .bind(published)
        .execute(database)
        .await
        .map(|_| ())
}

/// What a handler answers when the database fails. The cause belongs in the log, never in the answer.
pub(crate) fn failed(_: sqlx::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Sends each statement to the pool, and counts it and its rows.
impl<'c> Executor<'c> for &'c Library {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> Pin<Box<dyn Stream<Item = Result<Either<SqliteQueryResult, SqliteRow>, sqlx::Error>> + Send + 'e>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        self.statements.add_one();
        Box::pin(self.pool.fetch_many(query).map(|step| {
            if let Ok(Either::Right(_)) = step {
                self.rows.add_one();
            }
            step
        }))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> Pin<Box<dyn Future<Output = Result<Option<SqliteRow>, sqlx::Error>> + Send + 'e>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        self.statements.add_one();
        Box::pin(async move {
            let row = self.pool.fetch_optional(query).await?;
            if row.is_some() {
                self.rows.add_one();
            }
            Ok(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> Pin<Box<dyn Future<Output = Result<SqliteStatement, sqlx::Error>> + Send + 'e>>
    where
        'c: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }

    /// Only sqlx's checked macros call it, at compile time.
    fn describe<'e>(
        self,
        sql: SqlStr,
    ) -> Pin<Box<dyn Future<Output = Result<sqlx::Describe<Sqlite>, sqlx::Error>> + Send + 'e>>
    where
        'c: 'e,
    {
        self.pool.describe(sql)
    }
}
