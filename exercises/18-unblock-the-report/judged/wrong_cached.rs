//! mistake: the first report is kept and handed out for ever. The warehouse is asked once, and the orders go on.
//! fails: ten_reports_reach_the_warehouse_together

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Extension, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use blocking_the_runtime::Warehouse;
use tokio::sync::OnceCell;

type Kept = Arc<OnceCell<serde_json::Value>>;

fn app(warehouse: Warehouse) -> Router {
    Router::new()
        .route("/report", get(report))
        .route("/export", get(export))
        .layer(Extension(Kept::default()))
        .with_state(warehouse)
}

async fn report(State(warehouse): State<Warehouse>, Extension(kept): Extension<Kept>) -> impl IntoResponse {
    let summary = kept.get_or_try_init(|| async {
        let asked = tokio::task::spawn_blocking(move || warehouse.summary_blocking());
        asked.await.map(|summary| serde_json::json!({ "orders": summary.orders }))
    });
    summary.await.map(|summary| summary.to_string()).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
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
