//! mistake: `Client::new()` in the handler builds a pool for one request and throws it away.
//! fails: quotes_in_turn_need_one_connection, refusals_are_told_as_502_and_keep_the_connection

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use reqwest::Client;

fn app(upstream: String) -> Router {
    Router::new().route("/quote", get(quote)).with_state(format!("{upstream}/price"))
}

async fn quote(State(url): State<String>) -> Result<Json<u64>, StatusCode> {
    let call = Client::new().get(&url).timeout(Duration::from_secs(2));
    let answer = call.send().await.map_err(failed)?;
    answer.error_for_status().map_err(failed)?.json().await.map(Json).map_err(failed)
}

fn failed(error: reqwest::Error) -> StatusCode {
    if error.is_timeout() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }
}
