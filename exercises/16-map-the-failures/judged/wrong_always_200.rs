//! mistake: a field in the body says whether it worked; the status does not.
//! fails: a_fault_of_the_client_has_the_status_that_says_so, a_fault_of_ours_is_500_and_one_that_passes_is_503, a_panic_is_answered_with_500

#[path = "../checks.rs"]
mod checks;

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{FromRequest, FromRequestParts, Path, Request, State, rejection},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use errors_and_panics::{
    error::new_incident,
    notes::{NewNote, Note, Notes},
};
use serde_json::json;
use tower::ServiceBuilder;
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
        .fallback(async || AppError::NotFound)
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed)
        // Outermost first: what the panic layer answers needs a body as well.
        .layer(ServiceBuilder::new().layer(from_fn(answer)).layer(CatchPanicLayer::custom(panicked)))
        .with_state(AppState { notes, last_shown: Arc::default() })
}

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("there is nothing here")]
    NotFound,
    #[error("this address does not have that method")]
    MethodNotAllowed,
    #[error("there is a note with this title")]
    TitleTaken,
    #[error("the address holds something else than a number")]
    Path,
    #[error("the body is not what this address takes")]
    Body(StatusCode),
    #[error("try again in a moment")]
    Unavailable(String),
    #[error("the fault is on our side and has been logged")]
    Internal(String),
}

impl AppError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TitleTaken => StatusCode::CONFLICT,
            Self::Path => StatusCode::BAD_REQUEST,
            Self::Body(status) => *status,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(fault) if fault.is_unique_violation() => Self::TitleTaken,
            sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<rejection::PathRejection> for AppError {
    fn from(_: rejection::PathRejection) -> Self {
        Self::Path
    }
}

impl From<rejection::JsonRejection> for AppError {
    fn from(rejection: rejection::JsonRejection) -> Self {
        Self::Body(rejection.status())
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

async fn answer(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<Arc<AppError>>() else { return response };
    let (incident, status) = (new_incident(), StatusCode::OK);
    if let AppError::Internal(cause) | AppError::Unavailable(cause) = &*error {
        tracing::error!(incident, cause, "request failed");
    }
    let body = json!({ "title": error.to_string(), "status": status.as_u16(), "incident": incident });
    let mut answer = (status, Json(body)).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(methods) = response.headers().get(header::ALLOW) {
        headers.insert(header::ALLOW, methods.clone());
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    answer
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer calls")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    AppError::Internal(format!("panic: {text}")).into_response()
}

#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(AppError))]
struct Body<T>(T);

#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(AppError))]
struct InPath<T>(T);

async fn write(
    State(state): State<AppState>,
    Body(new): Body<NewNote>,
) -> Result<(StatusCode, Json<Note>), AppError> {
    Ok((StatusCode::CREATED, Json(state.notes.insert(&new).await?)))
}

async fn read(State(state): State<AppState>, InPath(id): InPath<i64>) -> Result<Json<Note>, AppError> {
    state.notes.find(id).await?.map(Json).ok_or(AppError::NotFound)
}

async fn excerpt(State(state): State<AppState>, InPath(id): InPath<i64>) -> Result<String, AppError> {
    let note = state.notes.find(id).await?.ok_or(AppError::NotFound)?;
    // Whatever panics does so before the lock is taken.
    let excerpt = note.excerpt().to_owned();
    state.last_shown.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&excerpt);
    Ok(excerpt)
}

async fn archive(State(state): State<AppState>) -> Result<Json<Vec<Note>>, AppError> {
    Ok(Json(state.notes.archived().await?))
}

async fn count(State(state): State<AppState>) -> Result<Json<i64>, AppError> {
    Ok(Json(state.notes.counted().await?))
}
