//! mistake: the steps are turned round, so that a cut makes money instead of losing it.
//! fails: a_transfer_moves_the_money_and_says_so, a_silent_auditor_is_told_as_504_and_the_money_stays_whole, a_refused_transfer_changes_nothing, a_transfer_is_whole_wherever_the_client_hangs_up

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
    bank.credit(Account::Bob, amount).await;
    timeout(LIMIT, auditor.agrees()).await.unwrap_or(Err(Failed::Silent))?;
    bank.debit(Account::Ada, amount).await?;
    Ok(Json(amount))
}
