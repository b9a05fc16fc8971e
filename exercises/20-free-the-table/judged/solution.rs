//! The table is locked for a moment, to find a currency's cell. Only who wants the same currency waits at its cell.

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

/// Filled once, by the first who comes and succeeds.
type Cell = Arc<OnceCell<u64>>;

impl Rates {
    /// Not async: the guard of std cannot live across an await here.
    fn cell(&self, currency: &str) -> Cell {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(table.entry(currency.to_owned()).or_default())
    }

    /// Names come from outside; a cell for each of them for ever would be memory for the asking.
    fn forget(&self, currency: &str) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(currency);
    }
}

async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    let cell = rates.cell(&currency);
    // A call that fails leaves the cell empty, and the next who waits tries.
    let rate = cell.get_or_try_init(|| rates.exchange.rate(&currency)).await;
    if rate.is_err() {
        rates.forget(&currency);
    }
    Ok(rate?.to_string())
}
