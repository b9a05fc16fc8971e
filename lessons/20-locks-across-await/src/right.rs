//! What holds: a lock for the moment in which the table is looked at, and no lock while the exchange is asked.

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
use lab::Probes;
use tokio::sync::{OnceCell, mpsc, oneshot};

use crate::{Exchange, ExchangeError};

/// Look, let go, ask, look again.
pub async fn copy_out(probes: Probes) -> Router {
    // ANCHOR: copy_out
    #[derive(Clone)]
    struct Rates {
        /// Of std: it is never held over an await, and then it is the cheaper and the simpler one.
        table: Arc<Mutex<HashMap<String, u64>>>,
        exchange: Exchange,
    }

    impl Rates {
        /// No `async`, so no await can slip in between lock and return.
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
        // Two requests for one currency may both come here. They ask twice and keep the same rate.
        let rate = rates.exchange.rate(&currency).await?;
        rates.keep(currency, rate);
        Ok(rate.to_string())
    }

    let rates = Rates { table: Arc::default(), exchange: Exchange::new(&probes) };
    Router::new().route("/rates/{currency}", get(rate)).with_state(rates)
    // ANCHOR_END: copy_out
}

/// A lock that is meant to be held over the call, but for one currency only.
pub async fn lock_per_currency(probes: Probes) -> Router {
    // ANCHOR: lock_per_currency
    type Cell = Arc<OnceCell<u64>>;

    #[derive(Clone)]
    struct Rates {
        table: Arc<Mutex<HashMap<String, Cell>>>,
        exchange: Exchange,
    }

    impl Rates {
        fn cell(&self, currency: &str) -> Cell {
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(table.entry(currency.to_owned()).or_default())
        }

        /// Names come from outside: a table that kept a cell for each that was ever asked for would grow for ever.
        fn forget(&self, currency: &str) {
            self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(currency);
        }
    }

    async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
        let cell = rates.cell(&currency);
        // Whoever asks for the same currency waits here and finds it; all others have cells of their own.
        let rate = cell.get_or_try_init(|| rates.exchange.rate(&currency)).await;
        if rate.is_err() {
            rates.forget(&currency);
        }
        Ok(rate?.to_string())
    }

    let rates = Rates { table: Arc::default(), exchange: Exchange::new(&probes) };
    Router::new().route("/rates/{currency}", get(rate)).with_state(rates)
    // ANCHOR_END: lock_per_currency
}

/// One task owns the table. Nobody locks anything; they send it messages.
pub async fn actor(probes: Probes) -> Router {
    // ANCHOR: actor
    enum Message {
        Look(String, oneshot::Sender<Option<u64>>),
        Keep(String, u64),
    }

    #[derive(Clone)]
    struct Rates {
        table: mpsc::Sender<Message>,
        exchange: Exchange,
    }

    async fn rate(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, StatusCode> {
        const GONE: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
        let (answer, known) = oneshot::channel();
        rates.table.send(Message::Look(currency.clone(), answer)).await.map_err(|_| GONE)?;
        if let Some(rate) = known.await.map_err(|_| GONE)? {
            return Ok(rate.to_string());
        }
        // Asked here and not in the actor: an actor that awaits the exchange is a lock by another name.
        let rate = rates.exchange.rate(&currency).await.map_err(<StatusCode as From<ExchangeError>>::from)?;
        rates.table.send(Message::Keep(currency, rate)).await.map_err(|_| GONE)?;
        Ok(rate.to_string())
    }

    // Bounded: if the actor does not keep up, senders wait, and the messages do not fill the memory.
    let (table, mut messages) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut table = HashMap::new();
        // Ends when the last sender is dropped, that is, with the service.
        while let Some(message) = messages.recv().await {
            match message {
                // An error means that nobody waits for the answer any more.
                Message::Look(currency, answer) => drop(answer.send(table.get(&currency).copied())),
                Message::Keep(currency, rate) => drop(table.insert(currency, rate)),
            }
        }
    });
    let rates = Rates { table, exchange: Exchange::new(&probes) };
    Router::new().route("/rates/{currency}", get(rate)).with_state(rates)
    // ANCHOR_END: actor
}
