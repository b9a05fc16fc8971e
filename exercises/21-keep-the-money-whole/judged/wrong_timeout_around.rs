//! mistake: a timeout around everything. When it fires, the function ends between the debit and the credit.
//! fails: a_silent_auditor_is_told_as_504_and_the_money_stays_whole, a_transfer_is_whole_wherever_the_client_hangs_up

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
    let moved = async {
        bank.debit(Account::Ada, amount).await?;
        if let Err(refused) = auditor.agrees().await {
            bank.credit(Account::Ada, amount).await;
            return Err(refused);
        }
        bank.credit(Account::Bob, amount).await;
        Ok(Json(amount))
    };
    timeout(LIMIT, moved).await.unwrap_or(Err(Failed::Silent))
}
