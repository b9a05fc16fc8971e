//! The report service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

/// How many orders the warehouse holds.
async fn report(State(warehouse): State<Warehouse>) -> Json<Summary> {
    Json(warehouse.summary_blocking())
}

/// A checksum over all orders, which the warehouse compares with its own at night.
async fn export(State(warehouse): State<Warehouse>) -> String {
    let mut checksum = 0_u64;
    for row in warehouse.rows() {
        checksum = checksum.wrapping_add(row);
    }
    checksum.to_string()
}
