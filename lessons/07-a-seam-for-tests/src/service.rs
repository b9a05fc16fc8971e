//! The service. It knows the seam and nothing behind it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{Fault, Member, Members};

/// Whatever keeps the members.
pub type Shared = Arc<dyn Members>;

// ANCHOR: service
/// The service on whatever keeps the members: the database in `main`, a fake in a test.
pub fn app(members: Shared) -> Router {
    Router::new()
        .route("/members", post(sign_up).get(list))
        .route("/members/{email}", get(find))
        .with_state(members)
}

async fn sign_up(State(members): State<Shared>, Json(new): Json<Member>) -> Result<Response, Fault> {
    // A rule of the service's own. Its test needs no database.
    if new.name.trim().is_empty() {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    }
    members.add(new.clone()).await?;
    Ok((StatusCode::CREATED, Json(new)).into_response())
}
// ANCHOR_END: service

async fn find(State(members): State<Shared>, Path(email): Path<String>) -> Result<Response, Fault> {
    let found = members.find(&email).await?;
    Ok(found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |member| Json(member).into_response()))
}

async fn list(State(members): State<Shared>) -> Result<Json<Vec<Member>>, Fault> {
    members.list().await.map(Json)
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        match self {
            Self::Taken => StatusCode::CONFLICT.into_response(),
            Self::Unreachable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}
