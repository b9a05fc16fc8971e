//! The bank's service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use pool_starvation::{
    Bank, BankError, CreateTransfer, StatementResponse,
    bank::{balance, book, entries},
};

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(bank: Bank) -> Router {
    Router::new()
        .route("/transfers", post(transfer))
        .route("/accounts/{name}/statement", get(statement))
        .with_state(bank)
}

/// Moves money from one account to another, once the partner bank has nothing against it.
async fn transfer(
    State(bank): State<Bank>,
    Json(order): Json<CreateTransfer>,
) -> Result<StatusCode, BankError> {
    let mut transaction = bank.pool().begin().await?;
    if balance(&mut *transaction, &order.from).await? < order.amount() {
        return Err(BankError::NotEnough);
    }
    bank.ask_partner(&order.to).await;
    book(&mut transaction, &order.from, -order.amount()).await?;
    book(&mut transaction, &order.to, order.amount()).await?;
    transaction.commit().await?;
    Ok(StatusCode::CREATED)
}

/// What an account holds, and how that came about.
async fn statement(
    State(bank): State<Bank>,
    Path(name): Path<String>,
) -> Result<Json<StatementResponse>, BankError> {
    let mut transaction = bank.pool().begin().await?;
    let cents = balance(&mut *transaction, &name).await?;
    bank.ask_partner(&name).await;
    let entries = entries(bank.pool(), &name).await?;
    transaction.commit().await?;
    Ok(Json(StatementResponse { cents, entries }))
}
