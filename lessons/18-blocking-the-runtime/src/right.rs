//! What holds: the thread is given back while the handler waits, or from time to time while it computes.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use lab::Probes;

use crate::{Summary, Warehouse};

/// The synchronous call stays, on a thread that is meant to wait.
pub async fn spawn_blocking(probes: Probes) -> Router {
    // ANCHOR: spawn_blocking
    async fn report(State(warehouse): State<Warehouse>) -> Result<Json<Summary>, StatusCode> {
        // The blocking pool has up to 512 threads for calls that wait. The worker is free as soon as we await.
        let summary = tokio::task::spawn_blocking(move || warehouse.summary_blocking());
        // An error here means that the call panicked: that costs one request, not the service.
        summary.await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    Router::new().route("/report", get(report)).with_state(Warehouse::new(&probes))
    // ANCHOR_END: spawn_blocking
}

/// The better cure where there is one: a driver that waits by suspending the task.
pub async fn async_driver(probes: Probes) -> Router {
    // ANCHOR: async_driver
    async fn report(State(warehouse): State<Warehouse>) -> Json<Summary> {
        // No thread waits here. Ten thousand requests at this line cost ten thousand small structs.
        Json(warehouse.summary().await)
    }

    Router::new().route("/report", get(report)).with_state(Warehouse::new(&probes))
    // ANCHOR_END: async_driver
}

/// A loop that shares its thread. It is not faster: the arithmetic is the same.
pub async fn yield_now(probes: Probes) -> Router {
    // ANCHOR: yield_now
    async fn report(State(warehouse): State<Warehouse>) -> String {
        let mut checksum = 0_u64;
        for (count, row) in (1_u64..).zip(warehouse.rows()) {
            checksum = checksum.wrapping_add(row);
            // Often enough that nobody waits long, seldom enough that the change of task costs little.
            if count % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        checksum.to_string()
    }

    Router::new().route("/report", get(report)).with_state(Warehouse::new(&probes))
    // ANCHOR_END: yield_now
}
