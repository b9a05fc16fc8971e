//! No balance is read: the first statement writes, and the table's own constraint says whether there is enough.
//! The statement needs no transaction, since one SQL statement is one moment in time.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use pool_starvation::{Bank, BankError, CreateTransfer, StatementResponse, bank::book};

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
    // Plain BEGIN: the first statement takes the write lock, and waits for it.
    let mut transaction = bank.pool().begin().await?;
    // `CHECK (cents >= 0)` refuses it where there is not enough; `BankError` knows that refusal.
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
    let rows: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "SELECT a.cents, e.cents FROM accounts AS a LEFT JOIN entries AS e ON e.account = a.name
         WHERE a.name = ? ORDER BY e.id",
    )
    .bind(name)
    .fetch_all(bank.pool())
    .await?;
    let cents = rows.first().ok_or(BankError::NoSuchAccount)?.0;
    let entries = rows.into_iter().filter_map(|(_, entry)| entry).collect();
    Ok(Json(StatementResponse { cents, entries }))
}
