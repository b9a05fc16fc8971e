//! mistake: an `async` block or `async fn` around a call does not make the call let go of its thread.
//! fails: ten_reports_overlap_and_a_heartbeat_passes, ten_reports_reach_the_warehouse_together, ten_exports_overlap_and_a_heartbeat_passes

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Json<Summary> {
    Json(summary(warehouse).await)
}

async fn summary(warehouse: Warehouse) -> Summary {
    warehouse.summary_blocking()
}

async fn export(State(warehouse): State<Warehouse>) -> String {
    let checksum = async { warehouse.rows().fold(0_u64, u64::wrapping_add) };
    checksum.await.to_string()
}
