//! What people write. Each handler does what it should when it is alone, and functional tests on them are green.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use lab::Probes;
use sqlx::SqliteConnection;

use crate::{
    Bank, BankError, CreateTransfer, StatementResponse,
    bank::{balance, book, entries},
    ledger,
};

/// A handler that takes a connection, and a second one while it holds the first.
pub async fn second_connection(probes: Probes) -> Router {
    // ANCHOR: second_connection
    async fn statement(
        State(bank): State<Bank>,
        Path(name): Path<String>,
    ) -> Result<Json<StatementResponse>, BankError> {
        // In a transaction, so that balance and entries are of one moment.
        let mut transaction = bank.pool().begin().await?;
        let cents = balance(&mut *transaction, &name).await?;
        bank.ask_partner(&name).await;
        // Whoever wrote `entries` lets it take any executor, and here it was handed the pool. If everybody holds one
        // connection and waits for another, nobody has one to give back.
        let entries = entries(bank.pool(), &name).await?;
        transaction.commit().await?;
        Ok(Json(StatementResponse { cents, entries }))
    }

    Router::new().route("/accounts/{name}/statement", get(statement)).with_state(Bank::new(&probes).await)
    // ANCHOR_END: second_connection
}

/// A handler that uses one connection, and keeps it while it waits for somebody else.
pub async fn held_over_a_call(probes: Probes) -> Router {
    // ANCHOR: held_over_a_call
    async fn statement(
        State(bank): State<Bank>,
        Path(name): Path<String>,
    ) -> Result<Json<StatementResponse>, BankError> {
        let mut transaction = bank.pool().begin().await?;
        let cents = balance(&mut *transaction, &name).await?;
        // The connection does nothing meanwhile, and nobody else can have it.
        bank.ask_partner(&name).await;
        let entries = entries(&mut *transaction, &name).await?;
        transaction.commit().await?;
        Ok(Json(StatementResponse { cents, entries }))
    }

    Router::new().route("/accounts/{name}/statement", get(statement)).with_state(Bank::new(&probes).await)
    // ANCHOR_END: held_over_a_call
}

/// A transfer that looks first and writes then, in the transaction that `begin` gives.
pub async fn deferred(probes: Probes) -> Router {
    // ANCHOR: deferred
    async fn transfer(
        State(bank): State<Bank>,
        Json(order): Json<CreateTransfer>,
    ) -> Result<StatusCode, BankError> {
        // Plain BEGIN takes no lock. The first read makes this transaction a reader of the database as it is now.
        let mut transaction = bank.pool().begin().await?;
        if balance(&mut *transaction, &order.from).await? < order.amount() {
            return Err(BankError::NotEnough);
        }
        bank.ask_partner(&order.to).await;
        // A reader that wants to write. If anybody has written since it began, SQLite refuses at once, without waiting.
        book(&mut transaction, &order.from, -order.amount()).await?;
        book(&mut transaction, &order.to, order.amount()).await?;
        transaction.commit().await?;
        Ok(StatusCode::CREATED)
    }

    ledger(post(transfer), Bank::new(&probes).await)
    // ANCHOR_END: deferred
}

/// A transfer with BEGIN and COMMIT as one would type them.
pub async fn hand_made(probes: Probes) -> Router {
    // ANCHOR: hand_made
    async fn transfer(
        State(bank): State<Bank>,
        Json(order): Json<CreateTransfer>,
    ) -> Result<StatusCode, BankError> {
        let mut connection = bank.pool().acquire().await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        move_money(&mut connection, &order).await?;
        // Not reached when the line above returns early: the connection goes back to the pool with its transaction open.
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok(StatusCode::CREATED)
    }

    ledger(post(transfer), Bank::new(&probes).await)
    // ANCHOR_END: hand_made
}

/// A transfer that forgets the last line.
pub async fn no_commit(probes: Probes) -> Router {
    // ANCHOR: no_commit
    async fn transfer(
        State(bank): State<Bank>,
        Json(order): Json<CreateTransfer>,
    ) -> Result<StatusCode, BankError> {
        let mut transaction = bank.pool().begin_with("BEGIN IMMEDIATE").await?;
        move_money(&mut transaction, &order).await?;
        // Every statement has succeeded. Dropped without a commit, the transaction takes them all back.
        Ok(StatusCode::CREATED)
    }

    ledger(post(transfer), Bank::new(&probes).await)
    // ANCHOR_END: no_commit
}

async fn move_money(connection: &mut SqliteConnection, order: &CreateTransfer) -> Result<(), BankError> {
    book(connection, &order.from, -order.amount()).await?;
    book(connection, &order.to, order.amount()).await
}
