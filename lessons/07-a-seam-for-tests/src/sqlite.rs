//! The real thing: members in SQLite.

use lab::{Counter, Probes};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};

use crate::{Answer, Fault, Member, Members};

/// The counter of statements.
pub const STATEMENTS: &str = "statements";

/// `NOCASE` compares A to Z without regard to case, in the constraint and in the order alike.
const SCHEMA: &str =
    "CREATE TABLE members (email TEXT PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL) STRICT";
/// Adds a member, unless the address is taken.
pub(crate) const ADD: &str = "INSERT INTO members (email, name) VALUES (?, ?)";
/// One member.
const FIND: &str = "SELECT email, name FROM members WHERE email = ?";
/// All members.
const LIST: &str = "SELECT email, name FROM members ORDER BY email";

/// Members in a table.
#[derive(Clone, Debug)]
pub struct Sqlite {
    pub(crate) pool: SqlitePool,
    statements: Counter,
}

impl Sqlite {
    /// A database in memory with an empty table.
    ///
    /// # Errors
    /// If SQLite does not work at all.
    pub async fn in_memory(probes: &Probes) -> Result<Self, sqlx::Error> {
        // It lives in its one connection, so that connection stays open.
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect("sqlite::memory:").await?;
        let sqlite = Self { pool, statements: probes.counter(STATEMENTS) };
        sqlx::query(sqlite.counted(SCHEMA)).execute(&sqlite.pool).await?;
        Ok(sqlite)
    }

    /// Counts a statement on its way to the database.
    pub(crate) fn counted(&self, statement: &'static str) -> &'static str {
        self.statements.add_one();
        statement
    }
}

// ANCHOR: sqlite
impl Members for Sqlite {
    fn add(&self, member: Member) -> Answer<'_, ()> {
        Box::pin(async move {
            let insert = sqlx::query(self.counted(ADD)).bind(member.email).bind(member.name);
            insert.execute(&self.pool).await.map(|_| ()).map_err(fault)
        })
    }

    fn find<'a>(&'a self, email: &'a str) -> Answer<'a, Option<Member>> {
        Box::pin(async move {
            let row: Option<(String, String)> = sqlx::query_as(self.counted(FIND))
                .bind(email)
                .fetch_optional(&self.pool)
                .await
                .map_err(fault)?;
            Ok(row.map(|(email, name)| Member { email, name }))
        })
    }

    fn list(&self) -> Answer<'_, Vec<Member>> {
        Box::pin(async move {
            let rows: Vec<(String, String)> =
                sqlx::query_as(self.counted(LIST)).fetch_all(&self.pool).await.map_err(fault)?;
            Ok(rows.into_iter().map(|(email, name)| Member { email, name }).collect())
        })
    }
}
// ANCHOR_END: sqlite

/// The constraint decides what is taken; everything else is a database that does not do its work.
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => Fault::Taken,
        _ => Fault::Unreachable,
    }
}
