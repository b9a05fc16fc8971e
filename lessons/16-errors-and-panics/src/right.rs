//! What holds: handlers use `?`, one type decides what a client sees, and a panic is one more error.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::{FromRequest, FromRequestParts, State},
    http::StatusCode,
    middleware::from_fn,
    routing::{get, post},
};
use lab::Probes;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    error::{AppError, answer, panicked},
    notes::{NewNote, Note, Notes},
};

// ANCHOR: extractors
/// axum's `Json`, with our error instead of its text.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(AppError))]
struct Body<T>(T);

/// axum's `Path`, with our error instead of its text.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(AppError))]
struct InPath<T>(T);
// ANCHOR_END: extractors

// ANCHOR: handlers
async fn write(
    State(notes): State<Notes>,
    Body(new): Body<NewNote>,
) -> Result<(StatusCode, Json<Note>), AppError> {
    Ok((StatusCode::CREATED, Json(notes.insert(&new).await?)))
}

async fn read(State(notes): State<Notes>, InPath(id): InPath<i64>) -> Result<Json<Note>, AppError> {
    notes.find(id).await?.map(Json).ok_or(AppError::NotFound)
}
// ANCHOR_END: handlers

async fn excerpt(State(notes): State<Notes>, InPath(id): InPath<i64>) -> Result<String, AppError> {
    let note = notes.find(id).await?.ok_or(AppError::NotFound)?;
    Ok(note.excerpt().to_owned())
}

async fn archive(State(notes): State<Notes>) -> Result<Json<Vec<Note>>, AppError> {
    Ok(Json(notes.archived().await?))
}

/// The whole service.
pub async fn one_error_type(_: Probes) -> Router {
    // ANCHOR: stack
    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}", get(read))
        .route("/notes/{id}/excerpt", get(excerpt))
        .route("/archive", get(archive))
        .fallback(async || AppError::NotFound)
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed)
        // Outermost first. `answer` stands outside of the panic layer: a panic becomes an error, and needs a body as well.
        .layer(ServiceBuilder::new().layer(from_fn(answer)).layer(CatchPanicLayer::custom(panicked)))
        .with_state(Notes::open().await)
    // ANCHOR_END: stack
}

/// The same, with something shared that a panic must not break.
pub async fn compute_then_lock(_: Probes) -> Router {
    // ANCHOR: compute_then_lock
    async fn excerpt(
        State((notes, last_shown)): State<(Notes, Arc<Mutex<String>>)>,
        InPath(id): InPath<i64>,
    ) -> Result<String, AppError> {
        let note = notes.find(id).await?.ok_or(AppError::NotFound)?;
        let excerpt = note.excerpt().to_owned();
        // Nothing in this line can panic. And a poisoned lock would not matter: one assignment is whole or not there.
        last_shown.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&excerpt);
        Ok(excerpt)
    }
    // ANCHOR_END: compute_then_lock

    async fn write(
        State((notes, _)): State<(Notes, Arc<Mutex<String>>)>,
        Body(new): Body<NewNote>,
    ) -> Result<(StatusCode, Json<Note>), AppError> {
        Ok((StatusCode::CREATED, Json(notes.insert(&new).await?)))
    }

    Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}/excerpt", get(excerpt))
        .layer(ServiceBuilder::new().layer(from_fn(answer)).layer(CatchPanicLayer::custom(panicked)))
        .with_state((Notes::open().await, Arc::default()))
}
