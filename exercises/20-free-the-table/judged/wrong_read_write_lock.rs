//! mistake: a lock that many may read. The one who fetches still holds it for writing, with the door closed to all.
//! fails: ten_currencies_are_fetched_together

#[path = "../checks.rs"]
mod checks;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use locks_across_await::Exchange;
use tokio::sync::RwLock;

fn app(exchange: Exchange) -> Router {
    Router::new().route("/rates/{currency}", get(rate)).with_state(Rates { table: Arc::default(), exchange })
}

#[derive(Clone)]
struct Rates {
    table: Arc<RwLock<HashMap<String, u64>>>,
    exchange: Exchange,
}

async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    if let Some(rate) = rates.table.read().await.get(&currency) {
        return Ok(rate.to_string());
    }
    let mut table = rates.table.write().await;
    if let Some(rate) = table.get(&currency) {
        return Ok(rate.to_string());
    }
    let rate = rates.exchange.rate(&currency).await?;
    table.insert(currency, rate);
    Ok(rate.to_string())
}
