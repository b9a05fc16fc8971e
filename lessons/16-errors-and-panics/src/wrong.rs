//! What people write. Write a note, read it: every functional test is green with all of them.

#![expect(clippy::unwrap_used, reason = "an unwrap that looks harmless is what two of these are about")]

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use lab::Probes;
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;

use crate::notes::{NewNote, Note, Notes};

/// Every `Result` is unwrapped. It was a prototype.
pub async fn unwrap(_: Probes) -> Router {
    // ANCHOR: unwrap
    async fn write(State(notes): State<Notes>, Json(new): Json<NewNote>) -> (StatusCode, Json<Note>) {
        // A taken title is an `Err`. The unwrap ends this task, and the connection with it.
        (StatusCode::CREATED, Json(notes.insert(&new).await.unwrap()))
    }

    async fn read(State(notes): State<Notes>, Path(id): Path<i64>) -> Json<Note> {
        Json(notes.find(id).await.unwrap().unwrap())
    }
    // ANCHOR_END: unwrap

    async fn excerpt(State(notes): State<Notes>, Path(id): Path<i64>) -> String {
        notes.find(id).await.unwrap().unwrap().excerpt().to_owned()
    }

    async fn archive(State(notes): State<Notes>) -> Json<Vec<Note>> {
        Json(notes.archived().await.unwrap())
    }

    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}", get(read))
        .route("/notes/{id}/excerpt", get(excerpt))
        .route("/archive", get(archive))
        .with_state(Notes::open().await)
}

/// Errors are handled, all in one way: their text is the answer.
pub async fn text_of_the_database(_: Probes) -> Router {
    // ANCHOR: text_of_the_database
    /// Makes an answer out of any error.
    fn internal(error: impl std::error::Error) -> (StatusCode, String) {
        (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }

    async fn write(
        State(notes): State<Notes>,
        Json(new): Json<NewNote>,
    ) -> Result<(StatusCode, Json<Note>), (StatusCode, String)> {
        let note = notes.insert(&new).await.map_err(internal)?;
        Ok((StatusCode::CREATED, Json(note)))
    }
    // ANCHOR_END: text_of_the_database

    async fn find(notes: &Notes, id: i64) -> Result<Note, (StatusCode, String)> {
        notes.find(id).await.map_err(internal)?.ok_or_else(|| internal(sqlx::Error::RowNotFound))
    }

    async fn read(
        State(notes): State<Notes>,
        Path(id): Path<i64>,
    ) -> Result<Json<Note>, (StatusCode, String)> {
        find(&notes, id).await.map(Json)
    }

    async fn excerpt(
        State(notes): State<Notes>,
        Path(id): Path<i64>,
    ) -> Result<String, (StatusCode, String)> {
        Ok(find(&notes, id).await?.excerpt().to_owned())
    }

    async fn archive(State(notes): State<Notes>) -> Result<Json<Vec<Note>>, (StatusCode, String)> {
        notes.archived().await.map(Json).map_err(internal)
    }

    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}", get(read))
        .route("/notes/{id}/excerpt", get(excerpt))
        .route("/archive", get(archive))
        .with_state(Notes::open().await)
}

/// The status is always 200, and a field says whether it is true.
pub async fn always_200(_: Probes) -> Router {
    // ANCHOR: always_200
    fn failed(text: &str) -> Json<Value> {
        Json(json!({ "ok": false, "error": text }))
    }

    async fn write(State(notes): State<Notes>, Json(new): Json<NewNote>) -> Json<Value> {
        match notes.insert(&new).await {
            Ok(note) => Json(json!({ "ok": true, "note": note })),
            Err(_) => failed("could not be saved"),
        }
    }
    // ANCHOR_END: always_200

    async fn read(State(notes): State<Notes>, Path(id): Path<i64>) -> Json<Value> {
        match notes.find(id).await {
            Ok(Some(note)) => Json(json!({ "ok": true, "note": note })),
            Ok(None) => failed("not found"),
            Err(_) => failed("try again later"),
        }
    }

    async fn excerpt(State(notes): State<Notes>, Path(id): Path<i64>) -> Json<Value> {
        match notes.find(id).await {
            Ok(Some(note)) => Json(json!({ "ok": true, "excerpt": note.excerpt() })),
            Ok(None) => failed("not found"),
            Err(_) => failed("try again later"),
        }
    }

    async fn archive(State(notes): State<Notes>) -> Json<Value> {
        match notes.archived().await {
            Ok(notes) => Json(json!({ "ok": true, "notes": notes })),
            Err(_) => failed("try again later"),
        }
    }

    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}", get(read))
        .route("/notes/{id}/excerpt", get(excerpt))
        .route("/archive", get(archive))
        .with_state(Notes::open().await)
}

/// A panic layer stands around it all. What panics holds a lock.
pub async fn panic_in_a_lock(_: Probes) -> Router {
    // ANCHOR: panic_in_a_lock
    async fn excerpt(
        State((notes, last_shown)): State<(Notes, Arc<Mutex<String>>)>,
        Path(id): Path<i64>,
    ) -> Result<String, StatusCode> {
        let found = notes.find(id).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let note = found.ok_or(StatusCode::NOT_FOUND)?;
        // Locked, then computed. A panic in `excerpt` drops the guard while it unwinds, which marks the mutex as poisoned,
        // and from then on this unwrap panics for everybody.
        let mut last_shown = last_shown.lock().unwrap();
        *last_shown = note.excerpt().to_owned();
        Ok(last_shown.clone())
    }
    // ANCHOR_END: panic_in_a_lock

    async fn write(
        State((notes, _)): State<(Notes, Arc<Mutex<String>>)>,
        Json(new): Json<NewNote>,
    ) -> Result<(StatusCode, Json<Note>), StatusCode> {
        let note = notes.insert(&new).await.map_err(|_| StatusCode::CONFLICT)?;
        Ok((StatusCode::CREATED, Json(note)))
    }

    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}/excerpt", get(excerpt))
        .layer(CatchPanicLayer::new())
        .with_state((Notes::open().await, Arc::default()))
}
