//! mistake: whatever happens upstream is told as a fault of the gateway itself.
//! fails: refusals_are_told_as_502_and_keep_the_connection, a_silent_upstream_is_told_as_504_and_the_next_quote_is_served

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
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    serde_json::from_slice(&body).map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

fn failed(_: reqwest::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
