//! The calls stay where they are; the runtime is told that this thread is about to be busy.
//!
//! It holds on a runtime with several threads, also with one worker: the worker's queue moves to another thread. It
//! panics on a current-thread runtime, such as a plain `#[tokio::test]` has, and it stops whatever else the same task
//! joins. So it passes here, and it is rarely the first choice.

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Json<Summary> {
    Json(tokio::task::block_in_place(|| warehouse.summary_blocking()))
}

async fn export(State(warehouse): State<Warehouse>) -> String {
    let checksum = tokio::task::block_in_place(|| warehouse.rows().fold(0_u64, u64::wrapping_add));
    checksum.to_string()
}
