//! The slow stranger is asked first, for a second at most; then both steps happen in one transaction.

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{Json, Router, extract::State, routing::post};
use timeouts_and_cancellation::{Account, Failed, Office, Transfer};
use tokio::time::timeout;

/// How long the auditor may take. After that nobody waits for an answer any more.
const LIMIT: Duration = Duration::from_secs(1);

fn app(office: Office) -> Router {
    Router::new().route("/transfers", post(transfer)).with_state(office)
}

async fn transfer(
    State(Office { bank, auditor }): State<Office>,
    Json(Transfer { amount }): Json<Transfer>,
) -> Result<Json<u64>, Failed> {
    // Nothing has been begun here, so nothing can be left half done: not by the timeout, and not by a client that goes.
    timeout(LIMIT, auditor.agrees()).await.unwrap_or(Err(Failed::Silent))?;
    let mut transaction = bank.begin();
    transaction.debit(Account::Ada, amount).await?;
    transaction.credit(Account::Bob, amount).await;
    // Both steps or neither. Dropped before this, the transaction rolls back.
    transaction.commit().await?;
    Ok(Json(amount))
}
