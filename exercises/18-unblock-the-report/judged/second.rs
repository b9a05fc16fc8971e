//! The driver is exchanged for its async twin; the loop moves to the blocking pool.

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Json<Summary> {
    // No thread waits: the task is suspended until the warehouse answers.
    Json(warehouse.summary().await)
}

async fn export(State(warehouse): State<Warehouse>) -> Result<String, StatusCode> {
    // Ten at once are fine. A hundred would put a hundred busy threads on a few cores: then bound them (lesson 19).
    let checksum =
        tokio::task::spawn_blocking(move || warehouse.rows().fold(0_u64, |sum, row| sum.wrapping_add(row)));
    checksum.await.map(|sum| sum.to_string()).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
