//! mistake: a lock around the call keeps it to one connection, and to one quote at a time.
//! fails: ten_quotes_reach_the_upstream_together

#[path = "../checks.rs"]
mod checks;

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use reqwest::Client;
use tokio::sync::Mutex;

#[derive(Clone)]
struct Prices {
    client: Arc<Mutex<Client>>,
    url: String,
}

#[expect(clippy::expect_used, reason = "a gateway without its client must not start")]
fn app(upstream: String) -> Router {
    let client = Client::builder()
        .connect_timeout(Duration::from_millis(500))
        .timeout(Duration::from_secs(1))
        .build()
        .expect("the settings are constants that are valid together");
    let prices = Prices { client: Arc::new(Mutex::new(client)), url: format!("{upstream}/price") };
    Router::new().route("/quote", get(quote)).with_state(prices)
}

async fn quote(State(prices): State<Prices>) -> Result<Json<u64>, StatusCode> {
    let client = prices.client.lock().await;
    let answer = client.get(&prices.url).send().await.map_err(failed)?;
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
