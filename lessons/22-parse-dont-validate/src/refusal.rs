//! How the sign-up service says no: one shape, `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::accounts::InsertError;

/// One field that is not acceptable. It does not repeat the value that was sent: that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer into the body (RFC 6901).
    pub pointer: String,
    /// What the rule is, for a person.
    pub detail: &'static str,
}

impl FieldError {
    /// An error at a field of the outermost object.
    pub fn at(field: &str, detail: &'static str) -> Self {
        Self { pointer: format!("/{field}"), detail }
    }
}

/// Why there is no new account.
#[derive(Debug)]
pub enum Refusal {
    /// Some fields are not acceptable, all of them listed.
    Fields(Vec<FieldError>),
    /// Somebody else has this already; the text is the field.
    Taken(&'static str),
    /// A fault of ours.
    Internal,
}

impl From<InsertError> for Refusal {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Taken(column) => Self::Taken(column),
            // Lesson 16 is about what belongs into the log here.
            InsertError::Database(_) => Self::Internal,
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(_: sqlx::Error) -> Self {
        Self::Internal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, title, errors) = match self {
            Self::Fields(errors) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Some fields are not acceptable", errors)
            }
            Self::Taken(field) => {
                (StatusCode::CONFLICT, "This is taken", vec![FieldError::at(field, "is taken")])
            }
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side", Vec::new())
            }
        };
        let body = json!({ "title": title, "status": status.as_u16(), "errors": errors });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
    }
}
