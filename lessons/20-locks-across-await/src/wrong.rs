//! What people write. Each answers every rate rightly and keeps it, and functional tests on them are green.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use lab::Probes;
use tokio::sync::{Mutex, RwLock};

use crate::Exchange;

/// The table behind an async mutex, which the compiler accepts where it refused the one of std.
pub async fn tokio_mutex(probes: Probes) -> Router {
    // ANCHOR: tokio_mutex
    #[derive(Clone)]
    struct Rates {
        table: Arc<Mutex<HashMap<String, u64>>>,
        exchange: Exchange,
    }

    async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
        let mut table = rates.table.lock().await;
        if let Some(rate) = table.get(&currency) {
            return Ok(rate.to_string());
        }
        // The guard lives until the end of the function: while this call waits, nobody else sees the table.
        let rate = rates.exchange.rate(&currency).await?;
        table.insert(currency, rate);
        Ok(rate.to_string())
    }

    let rates = Rates { table: Arc::default(), exchange: Exchange::new(&probes) };
    Router::new().route("/rates/{currency}", get(rate)).with_state(rates)
    // ANCHOR_END: tokio_mutex
}

/// The same with a lock that many may read, since most requests only read.
pub async fn write_lock(probes: Probes) -> Router {
    // ANCHOR: write_lock
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
        // Another may have fetched it while this one waited for the lock.
        if let Some(rate) = table.get(&currency) {
            return Ok(rate.to_string());
        }
        // Readers are many, the writer is one, and it waits here with the door closed to all of them.
        let rate = rates.exchange.rate(&currency).await?;
        table.insert(currency, rate);
        Ok(rate.to_string())
    }

    let rates = Rates { table: Arc::default(), exchange: Exchange::new(&probes) };
    Router::new().route("/rates/{currency}", get(rate)).with_state(rates)
    // ANCHOR_END: write_lock
}
