//! Must not compile: the same, with the attribute that makes the compiler say why.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use locks_across_await::Exchange;

#[derive(Clone)]
struct Rates {
    table: Arc<Mutex<HashMap<String, u64>>>,
    exchange: Exchange,
}

// ANCHOR: std_guard
#[axum::debug_handler]
async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    let mut table = rates.table.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rate) = table.get(&currency) {
        return Ok(rate.to_string());
    }
    let rate = rates.exchange.rate(&currency).await?;
    table.insert(currency, rate);
    Ok(rate.to_string())
}
// ANCHOR_END: std_guard

fn main() {
    let _ = rate;
}
