//! The notes service, as it was handed over to you. Read `task.md` first.

#![expect(clippy::unwrap_used, reason = "it was a prototype")]

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use errors_and_panics::notes::{NewNote, Note, Notes};

#[derive(Clone)]
struct AppState {
    notes: Notes,
    /// The excerpt that was shown last, for the people who watch the service.
    last_shown: Arc<Mutex<String>>,
}

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(notes: Notes) -> Router {
    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}", get(read))
        .route("/notes/{id}/excerpt", get(excerpt))
        .route("/archive", get(archive))
        .route("/count", get(count))
        .with_state(AppState { notes, last_shown: Arc::default() })
}

async fn write(State(state): State<AppState>, Json(new): Json<NewNote>) -> (StatusCode, Json<Note>) {
    (StatusCode::CREATED, Json(state.notes.insert(&new).await.unwrap()))
}

async fn read(State(state): State<AppState>, Path(id): Path<i64>) -> Json<Note> {
    Json(state.notes.find(id).await.unwrap().unwrap())
}

async fn excerpt(State(state): State<AppState>, Path(id): Path<i64>) -> String {
    let note = state.notes.find(id).await.unwrap().unwrap();
    let mut last_shown = state.last_shown.lock().unwrap();
    *last_shown = note.excerpt().to_owned();
    last_shown.clone()
}

async fn archive(State(state): State<AppState>) -> Json<Vec<Note>> {
    Json(state.notes.archived().await.unwrap())
}

async fn count(State(state): State<AppState>) -> Json<i64> {
    Json(state.notes.counted().await.unwrap())
}
