//! mistake: the lock is let go, and with it what it was there for. All who miss the same currency ask, and all are billed.
//! fails: ten_requests_for_one_currency_ask_once

#[path = "../checks.rs"]
mod checks;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use locks_across_await::Exchange;

fn app(exchange: Exchange) -> Router {
    Router::new().route("/rates/{currency}", get(rate)).with_state(Rates { table: Arc::default(), exchange })
}

#[derive(Clone)]
struct Rates {
    table: Arc<Mutex<HashMap<String, u64>>>,
    exchange: Exchange,
}

impl Rates {
    fn known(&self, currency: &str) -> Option<u64> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).get(currency).copied()
    }

    fn keep(&self, currency: String, rate: u64) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).insert(currency, rate);
    }
}

async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    if let Some(rate) = rates.known(&currency) {
        return Ok(rate.to_string());
    }
    let rate = rates.exchange.rate(&currency).await?;
    rates.keep(currency, rate);
    Ok(rate.to_string())
}
