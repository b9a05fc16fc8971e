//! The table of notes: a real SQLite in memory. And a function with a bug, since all code has some.

use serde::{Deserialize, Serialize};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};

/// A client of the database. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Notes {
    pool: SqlitePool,
    reports: SqlitePool,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Note {
    /// Its number, from 1.
    pub id: i64,
    /// Its title; no two notes share one.
    pub title: String,
    /// What it says.
    pub text: String,
}

/// The body of `POST /notes`.
#[derive(Debug, Deserialize)]
pub struct NewNote {
    /// A title that no other note has.
    pub title: String,
    /// What it says.
    pub text: String,
}

impl Notes {
    /// An empty table.
    ///
    /// # Panics
    /// If SQLite cannot be opened.
    #[expect(clippy::expect_used, reason = "a table in memory that cannot be made leaves nothing to show")]
    pub async fn open() -> Self {
        // Each connection to `:memory:` is a database of its own, and it ends with its connection: one, for ever.
        let options = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = options.connect("sqlite::memory:").await.expect("SQLite opens in memory");
        sqlx::query(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE, text TEXT NOT NULL)",
        )
        .execute(&pool)
        .await
        .expect("the statement is a constant that is valid");
        // A second database, for reports. Its one connection is closed, as it is while that machine is being updated.
        let reports = SqlitePoolOptions::new().connect_lazy("sqlite::memory:").expect("the address is valid");
        reports.close().await;
        Self { pool, reports }
    }

    /// `INSERT INTO notes …`
    ///
    /// # Errors
    /// A unique violation if the title is taken, else what the database says.
    pub async fn insert(&self, new: &NewNote) -> Result<Note, sqlx::Error> {
        sqlx::query_as("INSERT INTO notes (title, text) VALUES (?, ?) RETURNING id, title, text")
            .bind(&new.title)
            .bind(&new.text)
            .fetch_one(&self.pool)
            .await
    }

    /// The note of that number, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find(&self, id: i64) -> Result<Option<Note>, sqlx::Error> {
        sqlx::query_as("SELECT id, title, text FROM notes WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// The archived notes. Somebody forgot the migration that makes their table.
    ///
    /// # Errors
    /// What the database says: that there is no such table.
    pub async fn archived(&self) -> Result<Vec<Note>, sqlx::Error> {
        sqlx::query_as("SELECT id, title, text FROM archived_notes").fetch_all(&self.pool).await
    }

    /// How many notes the report of the night counted. The database for reports is being updated.
    ///
    /// # Errors
    /// That its pool is closed: something for which one can wait.
    pub async fn counted(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT count(*) FROM notes").fetch_one(&self.reports).await
    }
}

impl Note {
    /// The first ten bytes of the text, and that is its bug: a text is made of characters, some of which are longer. It
    /// was tested with English.
    pub fn excerpt(&self) -> &str {
        &self.text[..self.text.len().min(10)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Note {
        Note { id: 1, title: "tea".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn an_english_excerpt_has_ten_bytes() {
        assert_eq!(note("Boil the water.").excerpt(), "Boil the w");
    }

    #[test]
    #[should_panic(expected = "char boundary")]
    fn an_excerpt_that_ends_inside_of_a_character_panics() {
        note("Crème brûlée").excerpt();
    }
}
