//! mistake: the call moved out, but BEGIN is still deferred: a transfer that reads and then writes is refused at once
//! when another has written in between.
//! fails: transfers_wait_for_their_turn_while_somebody_else_writes

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

fn app(bank: Bank) -> Router {
    Router::new()
        .route("/transfers", post(transfer))
        .route("/accounts/{name}/statement", get(statement))
        .with_state(bank)
}

async fn transfer(
    State(bank): State<Bank>,
    Json(order): Json<CreateTransfer>,
) -> Result<StatusCode, BankError> {
    bank.ask_partner(&order.to).await;
    let mut transaction = bank.pool().begin().await?;
    if balance(&mut *transaction, &order.from).await? < order.amount() {
        return Err(BankError::NotEnough);
    }
    book(&mut transaction, &order.from, -order.amount()).await?;
    book(&mut transaction, &order.to, order.amount()).await?;
    transaction.commit().await?;
    Ok(StatusCode::CREATED)
}

async fn statement(
    State(bank): State<Bank>,
    Path(name): Path<String>,
) -> Result<Json<StatementResponse>, BankError> {
    bank.ask_partner(&name).await;
    let mut transaction = bank.pool().begin().await?;
    let cents = balance(&mut *transaction, &name).await?;
    let entries = entries(&mut *transaction, &name).await?;
    transaction.commit().await?;
    Ok(Json(StatementResponse { cents, entries }))
}
