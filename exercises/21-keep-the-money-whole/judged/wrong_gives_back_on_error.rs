//! mistake: the timeout is treated as an error and mended. A client that hangs up is no error: no line runs after it.
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
    bank.debit(Account::Ada, amount).await?;
    let agreed = timeout(LIMIT, auditor.agrees()).await.unwrap_or(Err(Failed::Silent));
    if let Err(refused) = agreed {
        bank.credit(Account::Ada, amount).await;
        return Err(refused);
    }
    bank.credit(Account::Bob, amount).await;
    Ok(Json(amount))
}
