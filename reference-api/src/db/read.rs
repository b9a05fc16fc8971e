//! One reading statement: bound like any other, and sent to the threads that read a file, where there are such.
//!
//! Read next: `readers.rs`, which runs it.

use rusqlite::{
    ToSql,
    types::{ToSqlOutput, Type, Value as Stored},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Db, Executor, Pool, Query, Row, Value,
    readers::{Readers, foreign},
};

/// A row that a reader can give as well.
pub(crate) trait ReadRow: Row + 'static {
    /// Takes the columns out of what SQLite has found: by position, in the order of the fields, for a name would be looked for
    /// among all names, in every row.
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>
    where
        Self: Sized;
}

/// How long a statement may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    /// An index gives its rows, and they are few.
    Short,
    /// It may look at every row of a table.
    Long,
}

/// A moment as sqlx writes it. rusqlite would take any form that SQLite knows, which is several times the work, for each row.
pub(crate) fn moment(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<OffsetDateTime> {
    let text = row.get_ref(column)?.as_str()?;
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// One reading statement with its values.
#[must_use = "a statement does nothing until it is run"]
pub(crate) struct Read<'c> {
    sql: &'static str,
    length: Length,
    target: Target<'c>,
}

enum Target<'c> {
    Readers(&'c Readers, rusqlite::Result<Vec<Stored>>),
    /// PostgreSQL, and a database in memory, which only its one connection sees.
    Driver(Query<'c>),
}

impl Db {
    /// A statement of a hot path that only reads, and finds its few rows by an index. Its parameters are `$1`, `$2` and so on,
    /// in this order where they first occur.
    pub(crate) fn read(&self, sql: &'static str) -> Read<'_> {
        self.reading(sql, Length::Short)
    }

    /// The same for a statement that may have to look at many rows to find a few.
    pub(crate) fn search(&self, sql: &'static str) -> Read<'_> {
        self.reading(sql, Length::Long)
    }

    fn reading(&self, sql: &'static str, length: Length) -> Read<'_> {
        let target = match &self.pool {
            Pool::Sqlite(_, Some(readers)) => {
                self.count();
                Target::Readers(readers, Ok(Vec::new()))
            }
            Pool::Sqlite(_, None) | Pool::Postgres(_) => Target::Driver(self.query(sql)),
        };
        Read { sql, length, target }
    }
}

impl Read<'_> {
    /// The value of the next parameter.
    pub(crate) fn bind(self, value: impl Value + ToSql) -> Self {
        let target = match self.target {
            Target::Readers(readers, values) => Target::Readers(
                readers,
                values.and_then(|mut values| {
                    values.push(stored(&value)?);
                    Ok(values)
                }),
            ),
            Target::Driver(query) => Target::Driver(query.bind(value)),
        };
        Self { target, ..self }
    }

    /// All rows. The statement has to have a limit.
    pub(crate) async fn fetch_all<T: ReadRow>(self) -> Result<Vec<T>, sqlx::Error> {
        match self.target {
            Target::Readers(readers, values) => {
                readers.run(self.sql, values.map_err(foreign)?, self.length).await
            }
            Target::Driver(query) => query.fetch_all().await,
        }
    }

    /// The row, if there is one.
    pub(crate) async fn fetch_optional<T: ReadRow>(self) -> Result<Option<T>, sqlx::Error> {
        Ok(self.fetch_all().await?.pop())
    }
}

/// The value as SQLite keeps it: it goes to another thread, so it borrows nothing.
fn stored(value: &impl ToSql) -> rusqlite::Result<Stored> {
    match value.to_sql()? {
        ToSqlOutput::Owned(value) => Ok(value),
        ToSqlOutput::Borrowed(value) => Ok(value.try_into()?),
        _ => Err(rusqlite::Error::ToSqlConversionFailure("a value without a plain form".into())),
    }
}
