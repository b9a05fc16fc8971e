//! mistake: `tokio::spawn` moves the call to another task, and that task runs on the same workers.
//! fails: ten_reports_overlap_and_a_heartbeat_passes, ten_reports_reach_the_warehouse_together, ten_exports_overlap_and_a_heartbeat_passes

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Result<Json<Summary>, StatusCode> {
    let summary = tokio::spawn(async move { warehouse.summary_blocking() });
    summary.await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn export(State(warehouse): State<Warehouse>) -> Result<String, StatusCode> {
    let checksum = tokio::spawn(async move { warehouse.rows().fold(0_u64, u64::wrapping_add) });
    checksum.await.map(|sum| sum.to_string()).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
