//! What holds: one client, built when the service starts, in the state; and answers that are read to their end.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use lab::Probes;

/// What the handlers share. Cloning it clones a handle to the pool, not the pool.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) client: reqwest::Client,
    upstream: String,
}

impl Shop {
    pub(crate) fn new(probes: &Probes) -> Self {
        Self { client: client(), upstream: probes.upstream() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.upstream)
    }
}

// ANCHOR: client
/// Called once, when the service starts.
#[expect(clippy::expect_used, reason = "a service that cannot build its client must not start")]
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        // A host that is there answers within a round trip.
        .connect_timeout(Duration::from_millis(500))
        // The whole call, body included. Without it a silent upstream would hold the request for ever.
        .timeout(Duration::from_secs(2))
        // After a burst, this many connections stay open. By default all of them would.
        .pool_max_idle_per_host(8)
        .build()
        .expect("the client's settings are constants that are valid together")
}
// ANCHOR_END: client

/// A handler that uses the pool which all requests share.
pub async fn shared_client(probes: Probes) -> Router {
    // ANCHOR: shared_client
    async fn quote(State(shop): State<Shop>) -> Result<Json<u64>, StatusCode> {
        let answer = shop.client.get(shop.url("/price")).send().await.map_err(gateway)?;
        let status = answer.status();
        // Reading to the end gives the connection back to the pool. A refusal has a body, too, so this comes first.
        let body = answer.bytes().await.map_err(gateway)?;
        if !status.is_success() {
            return Err(StatusCode::BAD_GATEWAY);
        }
        serde_json::from_slice(&body).map(Json).map_err(|_| StatusCode::BAD_GATEWAY)
    }

    // The one client is built here. Handlers get clones of the handle.
    Router::new().route("/quote", get(quote)).with_state(Shop::new(&probes))
    // ANCHOR_END: shared_client
}

/// The cure where the body cannot be avoided: somebody has to read it.
pub async fn read_to_the_end(probes: Probes) -> Router {
    // ANCHOR: read_to_the_end
    async fn stock(State(shop): State<Shop>) -> Result<Json<bool>, StatusCode> {
        let mut answer = shop.client.get(shop.url("/product")).send().await.map_err(gateway)?;
        let there = answer.status().is_success();
        // Piece by piece: none of it is kept. The client's timeout bounds how long this may take.
        while answer.chunk().await.map_err(gateway)?.is_some() {}
        Ok(Json(there))
    }

    Router::new().route("/stock", get(stock)).with_state(Shop::new(&probes))
    // ANCHOR_END: read_to_the_end
}

/// The better cure where the upstream offers it: ask for what is wanted and nothing else.
pub async fn head(probes: Probes) -> Router {
    // ANCHOR: head
    async fn stock(State(shop): State<Shop>) -> Result<Json<bool>, StatusCode> {
        // HEAD answers with the same status and without a body, so there is nothing to leave behind.
        let answer = shop.client.head(shop.url("/product")).send().await.map_err(gateway)?;
        Ok(Json(answer.status().is_success()))
    }

    Router::new().route("/stock", get(stock)).with_state(Shop::new(&probes))
    // ANCHOR_END: head
}

/// The gateway itself is well: 502 and 504 say so.
pub(crate) fn gateway(error: reqwest::Error) -> StatusCode {
    if error.is_timeout() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }
}
