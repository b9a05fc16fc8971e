//! One client with timeouts in the state; every answer is read to its end, also a refusal.

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use reqwest::Client;

#[derive(Clone)]
struct Prices {
    client: Client,
    url: String,
}

#[expect(clippy::expect_used, reason = "a gateway without its client must not start")]
fn app(upstream: String) -> Router {
    let client = Client::builder()
        // A host that is there answers within a round trip.
        .connect_timeout(Duration::from_millis(500))
        // The whole call, body included: a silent price service costs one request this long, and nobody else anything.
        .timeout(Duration::from_secs(1))
        .build()
        .expect("the settings are constants that are valid together");
    let prices = Prices { client, url: format!("{upstream}/price") };
    Router::new().route("/quote", get(quote)).with_state(prices)
}

async fn quote(State(prices): State<Prices>) -> Result<Json<u64>, StatusCode> {
    let answer = prices.client.get(&prices.url).send().await.map_err(failed)?;
    let status = answer.status();
    // Read before the status is judged: only a connection whose answer was read to its end goes back to the pool.
    let body = answer.bytes().await.map_err(failed)?;
    if !status.is_success() {
        return Err(StatusCode::BAD_GATEWAY);
    }
    serde_json::from_slice(&body).map(Json).map_err(|_| StatusCode::BAD_GATEWAY)
}

fn failed(error: reqwest::Error) -> StatusCode {
    if error.is_timeout() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }
}
