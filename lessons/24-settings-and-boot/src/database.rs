//! A database that can be unplugged, that can hang, and that can come back with an old schema.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};

/// The version of the schema that the service was written for.
pub const SCHEMA: u32 = 7;

/// A client of the database. Cloning it is cheap, like cloning a connection pool.
#[derive(Clone, Debug)]
pub struct Database(Arc<(Mutex<Line>, AtomicU32)>);

/// What happens to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It is answered.
    Up,
    /// It is refused.
    Down,
    /// It is never answered: a firewall that drops packets looks like this.
    Silent,
}

/// The database did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

impl Default for Database {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(Line::Up), AtomicU32::new(SCHEMA))))
    }
}

impl Database {
    /// Changes what happens to queries from now on.
    pub fn set_line(&self, line: Line) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    /// The version of its schema: the smallest query that shows that it works.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn schema(&self) -> Result<u32, Unreachable> {
        let line = *self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match line {
            Line::Up => Ok(self.0.1.load(Ordering::SeqCst)),
            Line::Down => Err(Unreachable),
            Line::Silent => std::future::pending().await,
        }
    }

    /// The levers that the experiment pulls.
    pub fn levers(&self) -> Router {
        Router::new()
            .route("/lab/unplug", post(async |State(db): State<Self>| db.pull(Line::Down)))
            .route("/lab/plug-in", post(async |State(db): State<Self>| db.pull(Line::Up)))
            .route(
                "/lab/restore",
                post(async |State(db): State<Self>| {
                    db.0.1.store(SCHEMA - 1, Ordering::SeqCst);
                    StatusCode::NO_CONTENT
                }),
            )
            .with_state(self.clone())
    }

    fn pull(&self, line: Line) -> StatusCode {
        self.set_line(line);
        StatusCode::NO_CONTENT
    }
}

/// `GET /items`, which needs the database.
pub async fn items(State(database): State<Database>) -> Result<&'static str, StatusCode> {
    database.schema().await.map(|_| "a lamp").map_err(|Unreachable| StatusCode::SERVICE_UNAVAILABLE)
}
