//! mistake: BEGIN and COMMIT as statements. An early return gives the connection back with its transaction open.
//! fails: a_refused_transfer_leaves_nothing_behind

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
use sqlx::Executor as _;

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
    let mut connection = bank.pool().acquire().await?;
    connection.execute("BEGIN IMMEDIATE").await?;
    if balance(&mut *connection, &order.from).await? < order.amount() {
        return Err(BankError::NotEnough);
    }
    book(&mut connection, &order.from, -order.amount()).await?;
    book(&mut connection, &order.to, order.amount()).await?;
    connection.execute("COMMIT").await?;
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
