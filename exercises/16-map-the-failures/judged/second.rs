//! No error type: handlers answer with a function a failure, which makes the whole answer at once. A panic is caught where the code with the bug is called.
//!
//! Short, and each handler says what it answers. But every handler has to remember to call these functions, whoever adds one; and a panic
//! anywhere else still closes the connection, so the layer stays in place as well.

#[path = "../checks.rs"]
mod checks;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use errors_and_panics::{
    error::{PROBLEM, new_incident},
    notes::{NewNote, Notes},
};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

#[derive(Clone)]
struct AppState {
    notes: Notes,
    last_shown: Arc<Mutex<String>>,
}

fn app(notes: Notes) -> Router {
    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}", get(read))
        .route("/notes/{id}/excerpt", get(excerpt))
        .route("/archive", get(archive))
        .route("/count", get(count))
        .fallback(async || refused(StatusCode::NOT_FOUND, "there is nothing here"))
        .method_not_allowed_fallback(async || refused(StatusCode::METHOD_NOT_ALLOWED, "not this method"))
        .layer(CatchPanicLayer::custom(|_| failed(StatusCode::INTERNAL_SERVER_ERROR, "a panic")))
        .with_state(AppState { notes, last_shown: Arc::default() })
}

fn problem(status: StatusCode, title: &str, incident: &str) -> Response {
    let body = json!({ "title": title, "status": status.as_u16(), "incident": incident });
    (status, [(header::CONTENT_TYPE, PROBLEM)], Json(body)).into_response()
}

/// The client can mend this.
fn refused(status: StatusCode, title: &str) -> Response {
    problem(status, title, &new_incident())
}

/// The client cannot; the cause is for the log.
fn failed(status: StatusCode, cause: &str) -> Response {
    let incident = new_incident();
    tracing::error!("{incident}: {cause}");
    problem(status, "the fault is on our side and has been logged", &incident)
}

fn database(error: &sqlx::Error) -> Response {
    match error {
        sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut => {
            let mut later = HeaderMap::new();
            later.insert(header::RETRY_AFTER, header::HeaderValue::from(10));
            (later, failed(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())).into_response()
        }
        other => failed(StatusCode::INTERNAL_SERVER_ERROR, &other.to_string()),
    }
}

async fn write(State(state): State<AppState>, new: Result<Json<NewNote>, JsonRejection>) -> Response {
    let new = match new {
        Ok(Json(new)) => new,
        Err(rejection) => return refused(rejection.status(), "the body is not a note"),
    };
    match state.notes.insert(&new).await {
        Ok(note) => (StatusCode::CREATED, Json(note)).into_response(),
        Err(sqlx::Error::Database(fault)) if fault.is_unique_violation() => {
            refused(StatusCode::CONFLICT, "there is a note with this title")
        }
        Err(error) => database(&error),
    }
}

async fn read(State(state): State<AppState>, id: Result<Path<i64>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else { return refused(StatusCode::BAD_REQUEST, "not a number") };
    match state.notes.find(id).await {
        Ok(Some(note)) => Json(note).into_response(),
        Ok(None) => refused(StatusCode::NOT_FOUND, "no such note"),
        Err(error) => database(&error),
    }
}

async fn excerpt(State(state): State<AppState>, id: Result<Path<i64>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else { return refused(StatusCode::BAD_REQUEST, "not a number") };
    let note = match state.notes.find(id).await {
        Ok(Some(note)) => note,
        Ok(None) => return refused(StatusCode::NOT_FOUND, "no such note"),
        Err(error) => return database(&error),
    };
    // Safe to unwind from: it only reads the note, and the note is dropped with this request.
    match catch_unwind(AssertUnwindSafe(|| note.excerpt().to_owned())) {
        Ok(excerpt) => {
            state.last_shown.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&excerpt);
            excerpt.into_response()
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map_or("a panic without a text", String::as_str);
            failed(StatusCode::INTERNAL_SERVER_ERROR, text)
        }
    }
}

async fn archive(State(state): State<AppState>) -> Response {
    state.notes.archived().await.map_or_else(|error| database(&error), |notes| Json(notes).into_response())
}

async fn count(State(state): State<AppState>) -> Response {
    state.notes.counted().await.map_or_else(|error| database(&error), |count| Json(count).into_response())
}
