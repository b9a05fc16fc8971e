//! mistake: a cell for each currency that keeps whatever the first call said, a failure too. The currency is lost for ever.
//! fails: a_failed_call_is_made_again_by_the_next_request

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
use locks_across_await::{Exchange, ExchangeError};
use tokio::sync::OnceCell;

fn app(exchange: Exchange) -> Router {
    Router::new().route("/rates/{currency}", get(rate)).with_state(Rates { table: Arc::default(), exchange })
}

#[derive(Clone)]
struct Rates {
    table: Arc<Mutex<HashMap<String, Cell>>>,
    exchange: Exchange,
}

type Cell = Arc<OnceCell<Result<u64, ExchangeError>>>;

impl Rates {
    fn cell(&self, currency: &str) -> Cell {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(table.entry(currency.to_owned()).or_default())
    }
}

async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    let cell = rates.cell(&currency);
    let rate = *cell.get_or_init(|| rates.exchange.rate(&currency)).await;
    Ok(rate?.to_string())
}
