//! mistake: without the table there is no lock to hold. There is nothing to find in it either.
//! fails: a_rate_is_fetched_once_and_kept, ten_requests_for_one_currency_ask_once

#[path = "../checks.rs"]
mod checks;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use locks_across_await::Exchange;

fn app(exchange: Exchange) -> Router {
    Router::new().route("/rates/{currency}", get(rate)).with_state(exchange)
}

async fn rate(State(exchange): State<Exchange>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    Ok(exchange.rate(&currency).await?.to_string())
}
