//! What people write. The quote is right, and a functional test on it is green.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use lab::Probes;

/// A handler that calls the upstream as the first example in the client's documentation does.
pub async fn client_per_request(probes: Probes) -> Router {
    // ANCHOR: client_per_request
    async fn quote(State(upstream): State<String>) -> Result<Json<u64>, StatusCode> {
        // `get` builds a client for this one call, and with it a pool. Both are dropped with the answer.
        let answer = reqwest::get(format!("{upstream}/price")).await.map_err(bad_gateway)?;
        answer.error_for_status().map_err(bad_gateway)?.json().await.map(Json).map_err(bad_gateway)
    }

    Router::new().route("/quote", get(quote)).with_state(probes.upstream())
    // ANCHOR_END: client_per_request
}

fn bad_gateway(_: reqwest::Error) -> StatusCode {
    StatusCode::BAD_GATEWAY
}
