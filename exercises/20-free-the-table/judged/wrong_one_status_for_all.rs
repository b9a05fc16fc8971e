//! mistake: every failure is answered alike. A client that mistyped a currency is told to try again later.
//! fails: an_unknown_currency_is_not_found

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
use tokio::sync::OnceCell;

fn app(exchange: Exchange) -> Router {
    Router::new().route("/rates/{currency}", get(rate)).with_state(Rates { table: Arc::default(), exchange })
}

#[derive(Clone)]
struct Rates {
    table: Arc<Mutex<HashMap<String, Cell>>>,
    exchange: Exchange,
}

type Cell = Arc<OnceCell<u64>>;

impl Rates {
    fn cell(&self, currency: &str) -> Cell {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(table.entry(currency.to_owned()).or_default())
    }
}

async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    let cell = rates.cell(&currency);
    let rate = cell.get_or_try_init(|| rates.exchange.rate(&currency)).await;
    rate.map(u64::to_string).map_err(|_| StatusCode::BAD_GATEWAY)
}
