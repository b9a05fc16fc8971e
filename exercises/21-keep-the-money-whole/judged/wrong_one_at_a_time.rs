//! mistake: a lock around the transfer, for safety. It keeps no future from being dropped, and everybody waits for the slowest.
//! fails: ten_transfers_are_with_the_auditor_together

#[path = "../checks.rs"]
mod checks;

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, routing::post};
use timeouts_and_cancellation::{Account, Failed, Office, Transfer};
use tokio::{sync::Mutex, time::timeout};

const LIMIT: Duration = Duration::from_secs(1);

fn app(office: Office) -> Router {
    Router::new().route("/transfers", post(transfer)).with_state(Arc::new(Mutex::new(office)))
}

async fn transfer(
    State(office): State<Arc<Mutex<Office>>>,
    Json(Transfer { amount }): Json<Transfer>,
) -> Result<Json<u64>, Failed> {
    let office = office.lock().await;
    timeout(LIMIT, office.auditor.agrees()).await.unwrap_or(Err(Failed::Silent))?;
    let mut transaction = office.bank.begin();
    transaction.debit(Account::Ada, amount).await?;
    transaction.credit(Account::Bob, amount).await;
    transaction.commit().await?;
    Ok(Json(amount))
}
