//! The one error type of the service, and how it becomes an answer.

use std::{error::Error as StdError, sync::Arc};

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use thiserror::Error;
use uuid::Uuid;

use crate::db;
use crate::problem::{self, FieldError, Problem, ProblemType};

/// Everything that a handler can fail with.
///
/// A client error says what the client can do. A server error says nothing about its cause: that goes to the log, once,
/// in `layers.rs`.
#[derive(Debug, Error)]
pub enum ApiError {
    /// Path, query or headers are not understood.
    #[error("{0}")]
    InvalidRequest(&'static str),
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
    /// The caller is known, and may not do that.
    #[error("this needs another role")]
    Forbidden,
    /// The page that the request comes from is not on the list.
    #[error("the origin of the request is not allowed")]
    OriginNotAllowed,
    /// There is no such resource, or it belongs to somebody else.
    #[error("no such resource")]
    NotFound,
    /// The resource exists and has no such method.
    #[error("the resource does not have this method")]
    MethodNotAllowed,
    /// The client takes no form of the answer that there is.
    #[error("the answer would be application/json, which `Accept` rules out")]
    NotAcceptable,
    /// The body did not arrive in time.
    #[error("the body did not arrive within {0} seconds")]
    RequestTimeout(u64),
    /// The request contradicts the stored state.
    #[error("{0}")]
    Conflict(&'static str),
    /// A request with the same idempotency key has begun and not ended.
    #[error("a request with the same Idempotency-Key is still at work")]
    IdempotencyInProgress,
    /// The resource is not in the version that the client has read.
    #[error("the resource has changed since the version that `If-Match` names")]
    PreconditionFailed,
    /// The client does not say which version it has read.
    #[error("the header `If-Match` is needed")]
    PreconditionRequired,
    /// The idempotency key belongs to another request.
    #[error("the Idempotency-Key was used for a request with another method, address or body")]
    IdempotencyKeyReuse,
    /// Too much was tried. The number says how many seconds to wait.
    #[error("too many attempts; try again in {0} seconds")]
    TooManyRequests(u64),
    /// The body is larger than the limit, which is given in bytes.
    #[error("the body is larger than {0} bytes")]
    PayloadTooLarge(usize),
    /// The body is not declared as JSON.
    #[error("the body must be declared as application/json")]
    UnsupportedMediaType,
    /// Some fields are not acceptable.
    #[error("not acceptable: see `errors`")]
    ValidationFailed(Vec<FieldError>),
    /// Something that we depend on does not answer in time.
    #[error("try again in a moment")]
    Unavailable(#[source] Cause),
    /// More is in flight than we can do in time.
    #[error("try again in a moment")]
    Overloaded,
    /// A fault of ours.
    #[error("the fault is on our side and has been logged")]
    Internal(#[source] Cause),
}

/// What a server error is caused by. It reaches the log and nobody else.
pub type Cause = Box<dyn StdError + Send + Sync>;

impl ApiError {
    /// A fault of ours, with its cause.
    pub(crate) fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    // ANCHOR: api_error_status
    /// The type of problem that a client sees, and with it the status.
    pub(crate) fn problem_type(&self) -> &'static ProblemType {
        // No `_` arm: a new error does not compile until somebody has decided what a client sees.
        match self {
            Self::InvalidRequest(_) => &problem::INVALID_REQUEST,
            Self::MalformedJson(_) => &problem::MALFORMED_JSON,
            Self::AuthenticationRequired => &problem::AUTHENTICATION_REQUIRED,
            Self::InvalidToken => &problem::INVALID_TOKEN,
            Self::InvalidCredentials => &problem::INVALID_CREDENTIALS,
            Self::InvalidRefreshToken => &problem::INVALID_REFRESH_TOKEN,
            Self::Forbidden => &problem::FORBIDDEN,
            Self::OriginNotAllowed => &problem::ORIGIN_NOT_ALLOWED,
            Self::NotFound => &problem::NOT_FOUND,
            Self::MethodNotAllowed => &problem::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => &problem::NOT_ACCEPTABLE,
            Self::RequestTimeout(_) => &problem::REQUEST_TIMEOUT,
            Self::Conflict(_) => &problem::CONFLICT,
            Self::IdempotencyInProgress => &problem::IDEMPOTENCY_IN_PROGRESS,
            Self::PreconditionFailed => &problem::PRECONDITION_FAILED,
            Self::PreconditionRequired => &problem::PRECONDITION_REQUIRED,
            Self::IdempotencyKeyReuse => &problem::IDEMPOTENCY_KEY_REUSE,
            Self::TooManyRequests(_) => &problem::TOO_MANY_REQUESTS,
            Self::PayloadTooLarge(_) => &problem::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => &problem::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationFailed(_) => &problem::VALIDATION_FAILED,
            Self::Unavailable(_) | Self::Overloaded => &problem::UNAVAILABLE,
            Self::Internal(_) => &problem::INTERNAL,
        }
    }
    // ANCHOR_END: api_error_status

    /// The challenge that every 401 carries (RFC 9110 §11.6.1). A scheme is followed by a parameter (RFC 6750 §3).
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            // Nothing was tried, so nothing was wrong with it: no error code (RFC 6750 §3.1).
            Self::AuthenticationRequired | Self::InvalidCredentials => {
                Some(HeaderValue::from_static("Bearer realm=\"reference-api\""))
            }
            Self::InvalidToken | Self::InvalidRefreshToken => {
                Some(HeaderValue::from_static("Bearer realm=\"reference-api\", error=\"invalid_token\""))
            }
            _ => None,
        }
    }

    /// In how many seconds the same request may succeed.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unavailable(_) | Self::Overloaded | Self::IdempotencyInProgress => Some(1),
            Self::TooManyRequests(seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// What led to a server error, down to the last source. Empty for a client error.
    pub(crate) fn causes(&self) -> String {
        self.source().map_or_else(String::new, causes)
    }

    /// The body of the answer to the request of that id.
    pub(crate) fn problem(&self, request_id: Uuid) -> Problem {
        let kind = self.problem_type();
        Problem {
            kind: format!("/problems/{}", kind.slug),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: self.to_string(),
            request_id,
            errors: match self {
                Self::ValidationFailed(errors) => errors.clone(),
                _ => Vec::new(),
            },
        }
    }
}

/// An error and what led to it, down to the last source.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    let (mut texts, mut next) = (Vec::new(), Some(error));
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.join(": ")
}

/// A fault of the database is ours; that it cannot answer right now is a reason to try again.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if db::is_passing(&error) { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }
}

impl IntoResponse for ApiError {
    /// Status and headers. The body is written by `layers::Frame`, which knows the request's id; the error rides
    /// to it on the response.
    fn into_response(self) -> Response {
        let kind = self.problem_type();
        let mut response = kind.status.into_response();
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Self::RequestTimeout(_) = self {
            // The rest of the body would be taken for the next request (RFC 9110 §15.5.9).
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_error_tells_its_causes_to_the_log_and_nothing_to_the_client() {
        let error = ApiError::internal(std::io::Error::other("disk /dev/sda1 is on fire"));

        assert!(error.causes().contains("on fire"));
        let body = serde_json::to_string(&error.problem(Uuid::nil())).unwrap();
        assert!(!body.contains("fire") && !body.contains("sda1"), "{body}");
    }

    #[test]
    fn a_database_that_is_busy_is_unavailable_and_any_other_fault_is_internal() {
        let busy: ApiError = sqlx::Error::PoolTimedOut.into();
        let broken: ApiError = sqlx::Error::RowNotFound.into();

        assert!(matches!(busy, ApiError::Unavailable(_)), "{busy:?}");
        assert!(matches!(broken, ApiError::Internal(_)), "{broken:?}");
    }
}
