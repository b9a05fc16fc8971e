//! mistake: the work is sent away and not awaited. The answer is quick because it does not contain the report.
//! fails: a_report_says_what_the_warehouse_says, an_export_adds_up_every_row, ten_reports_overlap_and_a_heartbeat_passes, ten_reports_reach_the_warehouse_together, ten_exports_overlap_and_a_heartbeat_passes

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, routing::get};
use blocking_the_runtime::{Summary, Warehouse};

fn app(warehouse: Warehouse) -> Router {
    Router::new().route("/report", get(report)).route("/export", get(export)).with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>) -> Json<Summary> {
    tokio::task::spawn_blocking(move || warehouse.summary_blocking());
    Json(Summary { orders: 0 })
}

async fn export(State(warehouse): State<Warehouse>) -> String {
    tokio::task::spawn_blocking(move || warehouse.rows().fold(0_u64, u64::wrapping_add));
    "accepted".to_owned()
}
