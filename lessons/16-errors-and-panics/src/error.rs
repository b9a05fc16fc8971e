//! The one error type of the service: for the client a status and a title, for the log the cause, for both an id.

use std::{any::Any, error::Error, sync::Arc};

use aws_lc_rs::rand;
use axum::{
    Json,
    extract::{
        Request,
        rejection::{JsonRejection, PathRejection},
    },
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;
use thiserror::Error;

/// The media type of error bodies (RFC 9457 §3).
pub const PROBLEM: &str = "application/problem+json";

// ANCHOR: app_error
/// Everything that a handler can fail with.
#[derive(Debug, Error)]
pub enum AppError {
    /// There is no such note, or no such address.
    #[error("there is nothing here")]
    NotFound,
    /// The address exists and has no such method.
    #[error("this does not exist for this address")]
    MethodNotAllowed,
    /// Another note has this title.
    #[error("there is a note with this title")]
    TitleTaken,
    /// The path does not hold what it should.
    #[error("the address holds something else than a number")]
    Path,
    /// The body cannot be read; the status says in which way.
    #[error("the body is not what this address takes")]
    Body(StatusCode),
    /// A fault of ours. The cause is for the log, and this text is all that a client reads.
    #[error("the fault is on our side and has been logged")]
    Internal(#[source] Cause),
}

impl AppError {
    /// What a client sees first.
    pub fn status(&self) -> StatusCode {
        // No `_` arm: a new failure does not compile until somebody has decided what a client sees.
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TitleTaken => StatusCode::CONFLICT,
            Self::Path => StatusCode::BAD_REQUEST,
            Self::Body(status) => *status,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What `?` does with an error of the database: it is ours, unless it says that a title is taken.
impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(fault) if fault.is_unique_violation() => Self::TitleTaken,
            _ => Self::Internal(error.into()),
        }
    }
}
// ANCHOR_END: app_error

/// What a fault of ours was caused by.
pub type Cause = Box<dyn Error + Send + Sync>;

impl From<PathRejection> for AppError {
    fn from(_: PathRejection) -> Self {
        Self::Path
    }
}

impl From<JsonRejection> for AppError {
    fn from(rejection: JsonRejection) -> Self {
        // 400 no JSON, 413 too large, 415 not declared as JSON, 422 JSON of another shape. The texts of serde repeat what
        // was sent, so they stay here.
        Self::Body(rejection.status())
    }
}

impl IntoResponse for AppError {
    /// The status. The error rides on the response to [`answer`], which writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

// ANCHOR: answer
/// Writes the body of every error, and logs the cause of those that are ours.
pub async fn answer(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<Arc<AppError>>() else { return response };
    let incident = new_incident();
    if let AppError::Internal(cause) = &*error {
        tracing::error!(incident, cause, "request failed");
    }
    let status = response.status();
    let body = json!({ "title": error.to_string(), "status": status.as_u16(), "incident": incident });
    let mut answer = (status, Json(body)).into_response();
    // The headers that the answer has so far stay, such as `Allow` on a 405; what describes the body is new.
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    answer
}

/// Makes an error of a panic, for `CatchPanicLayer`.
#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer calls")]
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    AppError::Internal(format!("panic: {text}").into()).into_response()
}
// ANCHOR_END: answer

/// An id to quote: 64 random bits. A counter would start anew with each replica and tell how often we fail.
///
/// # Panics
/// If the system has no randomness to give.
#[expect(clippy::expect_used, reason = "a system without randomness serves nobody")]
pub fn new_incident() -> String {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).expect("the system gives random bytes");
    format!("{:016x}", u64::from_be_bytes(bytes))
}
