//! mistake: eight locks instead of one. Ten currencies on eight shards: two that share one wait for each other.
//! fails: ten_currencies_are_fetched_together

#[path = "../checks.rs"]
mod checks;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use locks_across_await::Exchange;
use tokio::sync::Mutex;

fn app(exchange: Exchange) -> Router {
    Router::new().route("/rates/{currency}", get(rate)).with_state(Rates { table: Arc::default(), exchange })
}

#[derive(Clone)]
struct Rates {
    table: Arc<[Mutex<HashMap<String, u64>>; 8]>,
    exchange: Exchange,
}

async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    let mut hasher = DefaultHasher::new();
    currency.hash(&mut hasher);
    let shard = usize::try_from(hasher.finish() % 8).unwrap_or_default();
    let mut table = rates.table[shard].lock().await;
    if let Some(rate) = table.get(&currency) {
        return Ok(rate.to_string());
    }
    let rate = rates.exchange.rate(&currency).await?;
    table.insert(currency, rate);
    Ok(rate.to_string())
}
