//! mistake: the auditor is asked first, which is right, and then the two steps are still two.
//! fails: a_transfer_is_whole_wherever_the_client_hangs_up

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{Json, Router, extract::State, routing::post};
use timeouts_and_cancellation::{Account, Failed, Office, Transfer};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(1);

fn app(office: Office) -> Router {
    Router::new().route("/transfers", post(transfer)).with_state(office)
}

async fn transfer(
    State(Office { bank, auditor }): State<Office>,
    Json(Transfer { amount }): Json<Transfer>,
) -> Result<Json<u64>, Failed> {
    timeout(LIMIT, auditor.agrees()).await.unwrap_or(Err(Failed::Silent))?;
    bank.debit(Account::Ada, amount).await?;
    bank.credit(Account::Bob, amount).await;
    Ok(Json(amount))
}
