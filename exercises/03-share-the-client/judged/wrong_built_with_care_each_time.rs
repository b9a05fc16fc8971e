//! mistake: the client has its timeouts and its pool, and is built from the same settings for each request.
//! fails: quotes_in_turn_need_one_connection, refusals_are_told_as_502_and_keep_the_connection

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use reqwest::Client;

fn app(upstream: String) -> Router {
    Router::new().route("/quote", get(quote)).with_state(format!("{upstream}/price"))
}

#[expect(clippy::expect_used, reason = "a gateway without its client must not start")]
fn client() -> Client {
    let client = Client::builder().timeout(Duration::from_secs(2)).pool_max_idle_per_host(8);
    client.build().expect("the settings are constants that are valid together")
}

async fn quote(State(url): State<String>) -> Result<Json<u64>, StatusCode> {
    let answer = client().get(&url).send().await.map_err(failed)?;
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
