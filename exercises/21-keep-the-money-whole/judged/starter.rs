//! The transfer, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, routing::post};
use timeouts_and_cancellation::{Account, Failed, Office, Transfer};

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(office: Office) -> Router {
    Router::new().route("/transfers", post(transfer)).with_state(office)
}

/// Moves money from Ada to Bob, if the auditor agrees, and says how much.
async fn transfer(
    State(Office { bank, auditor }): State<Office>,
    Json(Transfer { amount }): Json<Transfer>,
) -> Result<Json<u64>, Failed> {
    bank.debit(Account::Ada, amount).await?;
    if let Err(refused) = auditor.agrees().await {
        bank.credit(Account::Ada, amount).await;
        return Err(refused);
    }
    bank.credit(Account::Bob, amount).await;
    Ok(Json(amount))
}
