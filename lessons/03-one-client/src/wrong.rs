//! What people write. The answers are right, and functional tests on them are green.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use lab::Probes;

use crate::right::{Shop, gateway};

/// A handler that calls the upstream as the first example in the client's documentation does.
pub async fn client_per_request(probes: Probes) -> Router {
    // ANCHOR: client_per_request
    async fn quote(State(upstream): State<String>) -> Result<Json<u64>, StatusCode> {
        // `get` builds a client for this one call, and with it a pool. Both are dropped with the answer.
        let answer = reqwest::get(format!("{upstream}/price")).await.map_err(gateway)?;
        answer.error_for_status().map_err(gateway)?.json().await.map(Json).map_err(gateway)
    }

    Router::new().route("/quote", get(quote)).with_state(probes.upstream())
    // ANCHOR_END: client_per_request
}

/// A handler with a shared client that only wants to know whether the product is there.
pub async fn status_only(probes: Probes) -> Router {
    // ANCHOR: status_only
    async fn stock(State(shop): State<Shop>) -> Result<Json<bool>, StatusCode> {
        let answer = shop.client.get(shop.url("/product")).send().await.map_err(gateway)?;
        // The page is dropped unread. A short one has arrived with the status; of a long one the rest is still on its
        // way, so the connection cannot carry another answer and is closed.
        Ok(Json(answer.status().is_success()))
    }

    Router::new().route("/stock", get(stock)).with_state(Shop::new(&probes))
    // ANCHOR_END: status_only
}
