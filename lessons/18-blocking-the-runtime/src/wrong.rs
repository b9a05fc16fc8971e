//! What people write. Both handlers return the right report, and a functional test on them is green.

use axum::{Json, Router, extract::State, routing::get};
use lab::Probes;

use crate::{Summary, Warehouse};

/// A handler that calls the driver which the team has used for years.
pub async fn sync_driver(probes: Probes) -> Router {
    // ANCHOR: sync_driver
    async fn report(State(warehouse): State<Warehouse>) -> Json<Summary> {
        // Waits in the kernel. Tokio cannot see this wait, so the worker is not given to anybody else.
        Json(warehouse.summary_blocking())
    }

    Router::new().route("/report", get(report)).with_state(Warehouse::new(&probes))
    // ANCHOR_END: sync_driver
}

/// A handler that waits for nothing: it only computes.
pub async fn no_await(probes: Probes) -> Router {
    // ANCHOR: no_await
    async fn report(State(warehouse): State<Warehouse>) -> String {
        let mut checksum = 0_u64;
        for row in warehouse.rows() {
            // No `.await` in the loop: the task has no point at which the worker could change to another.
            checksum = checksum.wrapping_add(row);
        }
        checksum.to_string()
    }

    Router::new().route("/report", get(report)).with_state(Warehouse::new(&probes))
    // ANCHOR_END: no_await
}
