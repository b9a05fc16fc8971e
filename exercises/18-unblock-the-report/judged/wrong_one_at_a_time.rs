//! mistake: a lock lets one report through at a time. The thread is free, and the reports still stand in a queue.
//! fails: ten_reports_reach_the_warehouse_together

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::get};
use blocking_the_runtime::{Summary, Warehouse};
use tokio::sync::Mutex;

fn app(warehouse: Warehouse) -> Router {
    Router::new()
        .route("/report", get(report))
        .route("/export", get(export))
        .layer(Extension(Arc::new(Mutex::new(()))))
        .with_state(warehouse)
}

async fn report(
    State(warehouse): State<Warehouse>,
    Extension(turn): Extension<Arc<Mutex<()>>>,
) -> Result<Json<Summary>, StatusCode> {
    let _turn = turn.lock().await;
    let summary = tokio::task::spawn_blocking(move || warehouse.summary_blocking());
    summary.await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
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
