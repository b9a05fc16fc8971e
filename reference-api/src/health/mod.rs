//! Health: what an orchestrator asks. *Live* decides on a restart, *ready* on traffic.

mod live;
mod ready;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

/// The routes of health; anybody may ask.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live::get_live)).routes(routes!(ready::get_ready))
}

/// What a health check found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HealthResponse {
    #[schema(example = "ready")]
    status: &'static str,
}
