//! What outlives a process: the database on the disk, and the mail server on another machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde::Deserialize;
use sqlx::{
    SqliteConnection, SqlitePool,
    error::ErrorKind,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tempfile::TempDir;
use tokio::sync::watch;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY,
        email TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        sent INTEGER NOT NULL DEFAULT 0
    );
";

/// An address that the mail server refuses, whenever it is asked.
pub const REFUSED: &str = "nobody@nowhere.example";

/// The world around the processes. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct World {
    disk: Arc<TempDir>,
    /// The mail server.
    pub mail: MailServer,
}

impl World {
    /// An empty disk, and a mail server that takes nothing until it is told to.
    ///
    /// # Panics
    /// If there is no room for a temporary folder.
    #[expect(clippy::expect_used, reason = "without its disk the experiment has nothing to show")]
    pub fn new() -> Self {
        let disk = tempfile::tempdir().expect("a folder for the database");
        Self { disk: Arc::new(disk), mail: MailServer::default() }
    }

    /// Opens the database, as each process does for itself when it starts.
    ///
    /// # Panics
    /// If the file cannot be opened. A process that cannot reach its database must not start.
    #[expect(clippy::expect_used, reason = "a process without its database must not start")]
    pub async fn database(&self) -> SqlitePool {
        let file = SqliteConnectOptions::new()
            .filename(self.disk.path().join("shop.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(file).await;
        let pool = pool.expect("SQLite opens the file");
        sqlx::raw_sql(SCHEMA).execute(&pool).await.expect("the schema is valid");
        pool
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// The body of `POST /signups`.
#[derive(Debug, Deserialize)]
pub struct SignUp {
    /// The address that the welcome mail goes to.
    pub email: String,
}

/// Stores an account. Takes any connection, so that it can be part of a transaction.
///
/// # Errors
/// 409 if there is one already, 500 if the database fails.
pub async fn create_account(database: &mut SqliteConnection, email: &str) -> Result<(), StatusCode> {
    let stored = sqlx::query("INSERT INTO accounts VALUES (?)").bind(email).execute(database).await;
    stored.map(|_| ()).map_err(|error| match error.as_database_error().map(|said| said.kind()) {
        Some(ErrorKind::UniqueViolation) => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    })
}

/// What a handler answers when the database fails. The cause belongs in the log, never in the answer.
pub fn failed(_: sqlx::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// The mail server. It remembers what it has taken, and drops what comes with an identifier that it knows.
#[derive(Clone, Debug, Default)]
pub struct MailServer(Arc<Server>);

#[derive(Debug, Default)]
struct Server {
    line: watch::Sender<Line>,
    called: watch::Sender<usize>,
    taken: Mutex<Taken>,
    changed: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Taken {
    ids: Vec<String>,
    inbox: Vec<String>,
    deliveries: usize,
}

/// How the line to the mail server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// Nothing gets through, and whoever has called waits.
    #[default]
    Down,
    /// Mail gets through, and the answers do not come back.
    NoAnswers,
    /// All is well.
    Up,
}

/// The mail server will not take this mail, now or ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailRefused;

impl MailServer {
    /// Sends a mail. `id` is its Message-ID: a mail server drops the second one with the same.
    ///
    /// # Errors
    /// If the mail server refuses the address.
    pub async fn send(&self, id: &str, email: &str) -> Result<(), MailRefused> {
        self.0.called.send_modify(|calls| *calls += 1);
        self.line_is(|line| line != Line::Down).await;
        if email == REFUSED {
            return Err(MailRefused);
        }
        {
            let mut taken = self.taken();
            taken.deliveries += 1;
            if !taken.ids.iter().any(|known| known == id) {
                taken.ids.push(id.to_owned());
                taken.inbox.push(email.to_owned());
            }
            self.0.changed.send_replace(taken.deliveries);
        }
        self.line_is(|line| line == Line::Up).await;
        Ok(())
    }

    /// Changes the line.
    pub fn set_line(&self, line: Line) {
        self.0.line.send_replace(line);
    }

    /// The addresses whose mail has arrived, in order of arrival.
    pub fn inbox(&self) -> Vec<String> {
        self.taken().inbox.clone()
    }

    /// How often a mail was handed over, repetitions included.
    pub fn deliveries(&self) -> usize {
        self.taken().deliveries
    }

    /// Waits until somebody has called so many times, whether the line was up or not.
    pub async fn has_been_called(&self, calls: usize) {
        let mut called = self.0.called.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = called.wait_for(|so_far| *so_far >= calls).await;
    }

    /// Waits until so many mails were handed over.
    pub async fn has_taken(&self, deliveries: usize) {
        let mut changed = self.0.changed.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = changed.wait_for(|so_far| *so_far >= deliveries).await;
    }

    async fn line_is(&self, wanted: impl Fn(Line) -> bool) {
        let mut line = self.0.line.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = line.wait_for(|line| wanted(*line)).await;
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
