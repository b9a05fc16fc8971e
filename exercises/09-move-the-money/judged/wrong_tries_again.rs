//! mistake: whatever is busy is tried again. The transfers go through in the end, after all have held a connection at the
//! partner's, time and again.
//! fails: ten_transfers_are_at_the_partner_together

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
    let mut tries = 0;
    loop {
        match attempt(&bank, &order).await {
            Err(BankError::Busy(_)) if tries < 1000 => tries += 1,
            done => return done,
        }
    }
}

async fn attempt(bank: &Bank, order: &CreateTransfer) -> Result<StatusCode, BankError> {
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
