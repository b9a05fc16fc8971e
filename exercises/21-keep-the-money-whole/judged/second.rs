//! The whole transfer runs in a task that the request cannot drop; the request waits for it a second at most.
//!
//! It needs no transaction, so it also fits where the two accounts are in two systems. What it does not survive is a crash
//! of the process between the steps: then somebody has to find the half and finish it. And after a 504 nobody knows yet
//! which way it went, so the client has to be able to ask.

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{Json, Router, extract::State, routing::post};
use timeouts_and_cancellation::{Account, Failed, Office, Transfer};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// How long the client waits.
const LIMIT: Duration = Duration::from_secs(1);

/// How long the task waits for the auditor: nobody else is left to end it.
const PATIENCE: Duration = Duration::from_secs(30);

fn app(office: Office) -> Router {
    // At shutdown `main` closes the tracker and waits for it.
    Router::new().route("/transfers", post(transfer)).with_state((office, TaskTracker::new()))
}

async fn transfer(
    State((office, tasks)): State<(Office, TaskTracker)>,
    Json(Transfer { amount }): Json<Transfer>,
) -> Result<Json<u64>, Failed> {
    let moved = tasks.spawn(make(office, amount));
    // When the time is up, or the client gone, only the handle is dropped.
    timeout(LIMIT, moved).await.map_err(|_| Failed::Silent)?.map_err(|_| Failed::Fault)?
}

async fn make(Office { bank, auditor }: Office, amount: u64) -> Result<Json<u64>, Failed> {
    bank.debit(Account::Ada, amount).await?;
    let agreed = timeout(PATIENCE, auditor.agrees()).await.unwrap_or(Err(Failed::Silent));
    if let Err(refused) = agreed {
        bank.credit(Account::Ada, amount).await;
        return Err(refused);
    }
    bank.credit(Account::Bob, amount).await;
    Ok(Json(amount))
}
