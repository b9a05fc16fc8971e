//! The one error type of the service, and how it becomes an answer.

use std::{error::Error as StdError, sync::Arc};

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use thiserror::Error;

use crate::problem::{self, FieldError, Problem, ProblemType};

/// Everything that a handler can fail with.
///
/// A client error says what the client can do. A server error says nothing about its cause: that goes to the log, once,
/// in [`crate::layers`].
#[derive(Debug, Error)]
pub enum ApiError {
    /// Path, query or headers are not understood.
    #[error("{0}")]
    InvalidRequest(String),
    /// The body is not JSON.
    #[error("{0}")]
    MalformedJson(String),
    /// No credentials were sent where some are needed.
    #[error("no access token was sent")]
    AuthenticationRequired,
    /// The access token does not open anything, for whatever reason.
    #[error("the access token is expired, revoked or was never issued")]
    InvalidToken,
    /// The login failed. Which of the two was wrong is not said.
    #[error("there is no account with this address and password")]
    InvalidCredentials,
    /// The refresh token does not renew anything, for whatever reason.
    #[error("the refresh token is expired, used, revoked or was never issued")]
    InvalidRefreshToken,
    /// There is no such resource, or it belongs to somebody else.
    #[error("no such resource")]
    NotFound,
    /// The resource exists and has no such method.
    #[error("the resource does not have this method")]
    MethodNotAllowed,
    /// The request contradicts the stored state.
    #[error("{0}")]
    Conflict(&'static str),
    /// The body is larger than the limit.
    #[error("the body is larger than {0} bytes")]
    PayloadTooLarge(usize),
    /// The body is not declared as JSON.
    #[error("the body must be declared as application/json")]
    UnsupportedMediaType,
    /// Some fields are not acceptable.
    #[error("{} of the fields are not acceptable", .0.len())]
    ValidationFailed(Vec<FieldError>),
    /// Something that we depend on does not answer in time.
    #[error("try again in a moment")]
    Unavailable(#[source] Cause),
    /// A fault of ours.
    #[error("the fault is on our side and has been logged")]
    Internal(#[source] Cause),
}

/// What a server error is caused by. It reaches the log and nobody else.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

impl ApiError {
    // ANCHOR: api_error_status
    fn problem_type(&self) -> &'static ProblemType {
        // No `_` arm: a new error does not compile until somebody has decided what a client sees.
        match self {
            Self::InvalidRequest(_) => &problem::INVALID_REQUEST,
            Self::MalformedJson(_) => &problem::MALFORMED_JSON,
            Self::AuthenticationRequired => &problem::AUTHENTICATION_REQUIRED,
            Self::InvalidToken => &problem::INVALID_TOKEN,
            Self::InvalidCredentials => &problem::INVALID_CREDENTIALS,
            Self::InvalidRefreshToken => &problem::INVALID_REFRESH_TOKEN,
            Self::NotFound => &problem::NOT_FOUND,
            Self::MethodNotAllowed => &problem::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => &problem::CONFLICT,
            Self::PayloadTooLarge(_) => &problem::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => &problem::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationFailed(_) => &problem::VALIDATION_FAILED,
            Self::Unavailable(_) => &problem::UNAVAILABLE,
            Self::Internal(_) => &problem::INTERNAL,
        }
    }
    // ANCHOR_END: api_error_status

    /// The challenge that every 401 carries (RFC 9110 §11.6.1).
    fn challenge(&self) -> Option<&'static str> {
        match self {
            // Nothing was tried, so nothing was wrong with it: no error code (RFC 6750 §3.1).
            Self::AuthenticationRequired | Self::InvalidCredentials => Some("Bearer"),
            Self::InvalidToken | Self::InvalidRefreshToken => Some("Bearer error=\"invalid_token\""),
            _ => None,
        }
    }
}

/// A fault of the database is ours; that it does not answer in time is a reason to try again.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => Self::Unavailable(error.into()),
            error => Self::Internal(error.into()),
        }
    }
}

/// Rides on a response to the layer that logs it.
#[derive(Clone, Debug)]
pub(crate) struct LoggedCause(pub(crate) Arc<Cause>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let kind = self.problem_type();
        let challenge = self.challenge();
        let detail = self.to_string();
        let (errors, cause) = match self {
            Self::ValidationFailed(errors) => (errors, None),
            Self::Unavailable(cause) | Self::Internal(cause) => (Vec::new(), Some(cause)),
            _ => (Vec::new(), None),
        };
        let problem = Problem {
            kind: format!("/problems/{}", kind.slug),
            title: kind.title,
            status: kind.status.as_u16(),
            detail,
            errors,
        };
        let mut response = (kind.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if kind.status == problem::UNAVAILABLE.status {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(LoggedCause(Arc::new(cause)));
        }
        response
    }
}
