//! mistake: `pool_max_idle_per_host(0)`, copied from an answer about stale connections, keeps none of them.
//! fails: quotes_in_turn_need_one_connection, refusals_are_told_as_502_and_keep_the_connection

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
        .connect_timeout(Duration::from_millis(500))
        .timeout(Duration::from_secs(1))
        .pool_max_idle_per_host(0)
        .build()
        .expect("the settings are constants that are valid together");
    let prices = Prices { client, url: format!("{upstream}/price") };
    Router::new().route("/quote", get(quote)).with_state(prices)
}

async fn quote(State(prices): State<Prices>) -> Result<Json<u64>, StatusCode> {
    let answer = prices.client.get(&prices.url).send().await.map_err(failed)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(failed)?;
    if !status.is_success() {
        return Err(StatusCode::BAD_GATEWAY);
    }
    serde_json::from_slice(&body).map(Json).map_err(|_| StatusCode::BAD_GATEWAY)
}

fn failed(error: reqwest::Error) -> StatusCode {
    if error.is_timeout() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }
}
