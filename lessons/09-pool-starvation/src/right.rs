//! What holds: one connection for a request, held for its statements only, and a transaction that says what it wants.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use lab::Probes;

use crate::{
    Bank, BankError, CreateTransfer, StatementResponse,
    bank::{balance, book, entries},
    ledger,
};

/// A statement that asks the partner first, and then reads on one connection.
pub async fn one_connection(probes: Probes) -> Router {
    // ANCHOR: one_connection
    async fn statement(
        State(bank): State<Bank>,
        Path(name): Path<String>,
    ) -> Result<Json<StatementResponse>, BankError> {
        // Before the connection is taken: ten may wait here with a pool of four.
        bank.ask_partner(&name).await;
        let mut transaction = bank.pool().begin().await?;
        let cents = balance(&mut *transaction, &name).await?;
        // On the same connection, so also of the same moment.
        let entries = entries(&mut *transaction, &name).await?;
        transaction.commit().await?;
        Ok(Json(StatementResponse { cents, entries }))
    }

    Router::new().route("/accounts/{name}/statement", get(statement)).with_state(Bank::new(&probes).await)
    // ANCHOR_END: one_connection
}

/// A transfer that says at the beginning that it will write.
pub async fn immediate(probes: Probes) -> Router {
    // ANCHOR: immediate
    async fn transfer(
        State(bank): State<Bank>,
        Json(order): Json<CreateTransfer>,
    ) -> Result<StatusCode, BankError> {
        // The partner may be slow. Nobody waits for our lock meanwhile, since we have none.
        bank.ask_partner(&order.to).await;
        // Takes the write lock now, and waits for it up to the busy timeout. From here on nobody else writes, so what is
        // read stays true until the commit.
        let mut transaction = bank.pool().begin_with("BEGIN IMMEDIATE").await?;
        if balance(&mut *transaction, &order.from).await? < order.amount() {
            // Dropping the transaction rolls it back; nothing was written yet.
            return Err(BankError::NotEnough);
        }
        book(&mut transaction, &order.from, -order.amount()).await?;
        book(&mut transaction, &order.to, order.amount()).await?;
        // Before the answer: 201 is a promise, and a commit can fail.
        transaction.commit().await?;
        Ok(StatusCode::CREATED)
    }

    ledger(post(transfer), Bank::new(&probes).await)
    // ANCHOR_END: immediate
}

/// A transfer whose first statement writes, and whose check is a constraint.
pub async fn write_first(probes: Probes) -> Router {
    // ANCHOR: write_first
    async fn transfer(
        State(bank): State<Bank>,
        Json(order): Json<CreateTransfer>,
    ) -> Result<StatusCode, BankError> {
        bank.ask_partner(&order.to).await;
        // Plain BEGIN is enough: the first statement is a write, so it takes the lock, and it waits for it.
        let mut transaction = bank.pool().begin().await?;
        // `CHECK (cents >= 0)` decides whether there is enough. Nothing is read that could be out of date.
        book(&mut transaction, &order.from, -order.amount()).await?;
        book(&mut transaction, &order.to, order.amount()).await?;
        transaction.commit().await?;
        Ok(StatusCode::CREATED)
    }

    ledger(post(transfer), Bank::new(&probes).await)
    // ANCHOR_END: write_first
}
