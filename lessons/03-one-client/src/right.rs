//! What holds: one client, built when the service starts, in the state.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use lab::Probes;

/// What the handlers share. Cloning it clones a handle to the pool, not the pool.
#[derive(Clone)]
struct Prices {
    client: reqwest::Client,
    upstream: String,
}

/// A handler that uses the pool which all requests share.
#[expect(clippy::expect_used, reason = "a service that cannot build its client must not start")]
pub async fn shared_client(probes: Probes) -> Router {
    // ANCHOR: shared_client
    async fn quote(State(prices): State<Prices>) -> Result<Json<u64>, StatusCode> {
        let answer = prices.client.get(format!("{}/price", prices.upstream)).send().await.map_err(gateway)?;
        // Reading the body to its end is what gives the connection back to the pool.
        answer.error_for_status().map_err(gateway)?.json().await.map(Json).map_err(gateway)
    }

    let client = reqwest::Client::builder()
        // A host that is there answers within a round trip.
        .connect_timeout(Duration::from_millis(500))
        // The whole call, body included. Without it a silent upstream would hold the request for ever.
        .timeout(Duration::from_secs(2))
        .build()
        .expect("the client's settings are constants that are valid together");
    let prices = Prices { client, upstream: probes.upstream() };
    Router::new().route("/quote", get(quote)).with_state(prices)
    // ANCHOR_END: shared_client
}

fn gateway(error: reqwest::Error) -> StatusCode {
    if error.is_timeout() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }
}
