//! Must not compile: a std guard is held over an await in a handler.

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

#[derive(Clone)]
struct Rates {
    table: Arc<Mutex<HashMap<String, u64>>>,
    exchange: Exchange,
}

// ANCHOR: std_guard
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
    let exchange = Exchange::new(&lab::Probes::new(lab::Controls::default()));
    let rates = Rates { table: Arc::default(), exchange };
    drop(Router::<Rates>::new().route("/rates/{currency}", get(rate)).with_state::<()>(rates));
}
