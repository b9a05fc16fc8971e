//! The driver stays and gets a thread that is meant to wait; the loop stays and shares its thread.

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Result<Json<Summary>, StatusCode> {
    // The blocking pool exists for calls that wait. The worker is free from here until the summary is there.
    let summary = tokio::task::spawn_blocking(move || warehouse.summary_blocking());
    // An error means that the driver panicked. That costs this request, not the service.
    summary.await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn export(State(warehouse): State<Warehouse>) -> String {
    let mut checksum = 0_u64;
    for (count, row) in (1_u64..).zip(warehouse.rows()) {
        checksum = checksum.wrapping_add(row);
        // A hundred rows take about half a millisecond: short for whoever waits, long against a change of task.
        if count % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    checksum.to_string()
}
