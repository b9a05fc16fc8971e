//! What is said over HTTP, in the words of HTTP.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ordering::Line;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An order as a client sends it.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderBody {
    /// Whether a member orders.
    pub member: bool,
    /// What is ordered.
    pub lines: Vec<LineBody>,
}

/// A line of it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LineBody {
    /// What one piece costs.
    pub cents: u64,
    /// How many.
    pub pieces: u64,
}

/// The answer to an order that was placed.
#[derive(Debug, Serialize)]
pub struct Placed {
    /// Its number.
    pub number: u64,
    /// What it costs.
    pub total_cents: u64,
}

/// The file of a night.
#[derive(Debug, Deserialize)]
pub(crate) struct Import {
    pub(crate) file: String,
}

impl From<LineBody> for Line {
    fn from(LineBody { cents, pieces }: LineBody) -> Self {
        Self { cents, pieces }
    }
}

impl IntoResponse for Placed {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self)).into_response()
    }
}

/// An order that is not accepted, and why.
pub(crate) fn refused(why: &str) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "refused": why }))).into_response()
}
