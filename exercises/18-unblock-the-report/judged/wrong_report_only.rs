//! mistake: the report is cured and the export is taken for harmless, because it waits for nothing.
//! fails: ten_exports_overlap_and_a_heartbeat_passes

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Result<Json<Summary>, StatusCode> {
    let summary = tokio::task::spawn_blocking(move || warehouse.summary_blocking());
    summary.await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn export(State(warehouse): State<Warehouse>) -> String {
    let checksum = warehouse.rows().fold(0_u64, u64::wrapping_add);
    checksum.to_string()
}
