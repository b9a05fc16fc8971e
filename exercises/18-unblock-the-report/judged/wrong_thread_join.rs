//! mistake: the call has a thread of its own now, and the worker waits for that thread in `join`.
//! fails: ten_reports_overlap_and_a_heartbeat_passes, ten_reports_reach_the_warehouse_together

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Result<Json<Summary>, StatusCode> {
    let summary = std::thread::spawn(move || warehouse.summary_blocking());
    summary.join().map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn export(State(warehouse): State<Warehouse>) -> String {
    let mut checksum = 0_u64;
    for (count, row) in (1_u64..).zip(warehouse.rows()) {
        checksum = checksum.wrapping_add(row);
        if count % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    checksum.to_string()
}
