//! mistake: the client is shared and has no timeout. A silent price service holds a request for ever.
//! fails: a_silent_upstream_is_told_as_504_and_the_next_quote_is_served

#[path = "../checks.rs"]
mod checks;

use std::sync::LazyLock;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use reqwest::Client;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

fn app(upstream: String) -> Router {
    Router::new().route("/quote", get(quote)).with_state(format!("{upstream}/price"))
}

async fn quote(State(url): State<String>) -> Result<Json<u64>, StatusCode> {
    let answer = CLIENT.get(&url).send().await.map_err(failed)?;
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
