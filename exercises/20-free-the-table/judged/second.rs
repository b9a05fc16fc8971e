//! No lock at all: one task owns the table and the list of who waits for what. It never waits for the exchange itself.

#[path = "../checks.rs"]
mod checks;

use std::collections::HashMap;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use locks_across_await::{Exchange, ExchangeError};
use tokio::sync::{mpsc, oneshot};

type Answer = Result<u64, ExchangeError>;

enum Message {
    Asked(String, oneshot::Sender<Answer>),
    Fetched(String, Answer),
}

enum Entry {
    Known(u64),
    OnItsWay(Vec<oneshot::Sender<Answer>>),
}

fn app(exchange: Exchange) -> Router {
    let (table, messages) = mpsc::channel(64);
    // Weak: the task must not keep its own channel open, or it would outlive the service.
    tokio::spawn(own_the_table(messages, table.downgrade(), exchange));
    Router::new().route("/rates/{currency}", get(rate)).with_state(table)
}

async fn own_the_table(
    mut messages: mpsc::Receiver<Message>,
    to_self: mpsc::WeakSender<Message>,
    exchange: Exchange,
) {
    let mut table = HashMap::<String, Entry>::new();
    while let Some(message) = messages.recv().await {
        match message {
            Message::Asked(currency, answer) => match table.get_mut(&currency) {
                // An error means that nobody waits any more.
                Some(Entry::Known(rate)) => _ = answer.send(Ok(*rate)),
                Some(Entry::OnItsWay(waiting)) => waiting.push(answer),
                None => {
                    table.insert(currency.clone(), Entry::OnItsWay(vec![answer]));
                    let (exchange, to_self) = (exchange.clone(), to_self.clone());
                    tokio::spawn(async move {
                        let fetched = exchange.rate(&currency).await;
                        if let Some(owner) = to_self.upgrade() {
                            drop(owner.send(Message::Fetched(currency, fetched)).await);
                        }
                    });
                }
            },
            Message::Fetched(currency, fetched) => {
                let before = match fetched {
                    Ok(rate) => table.insert(currency, Entry::Known(rate)),
                    Err(_) => table.remove(&currency),
                };
                if let Some(Entry::OnItsWay(waiting)) = before {
                    for answer in waiting {
                        _ = answer.send(fetched);
                    }
                }
            }
        }
    }
}

async fn rate(
    State(table): State<mpsc::Sender<Message>>,
    Path(currency): Path<String>,
) -> Result<String, StatusCode> {
    let (answer, fetched) = oneshot::channel();
    table.send(Message::Asked(currency, answer)).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(fetched.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)??.to_string())
}
