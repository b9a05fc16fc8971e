//! mistake: the work moves to a task of its own, with the lock. The tasks stand in the queue where the requests stood.
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
use tokio::sync::Mutex;

fn app(exchange: Exchange) -> Router {
    Router::new().route("/rates/{currency}", get(rate)).with_state(Rates { table: Arc::default(), exchange })
}

#[derive(Clone)]
struct Rates {
    table: Arc<Mutex<HashMap<String, u64>>>,
    exchange: Exchange,
}

async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    let task = tokio::spawn(async move {
        let mut table = rates.table.lock().await;
        if let Some(rate) = table.get(&currency) {
            return Ok(*rate);
        }
        let rate = rates.exchange.rate(&currency).await?;
        table.insert(currency, rate);
        Ok::<_, StatusCode>(rate)
    });
    Ok(task.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)??.to_string())
}
