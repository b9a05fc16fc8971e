//! The back office, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::HeaderMap,
    routing::get,
};
use extractors::{Account, Directory, Refusal, Role, bearer};
use serde_json::{Value, json};

/// The back office. The checks build it through this function: keep its name, its parameter and its type.
fn app(directory: Directory) -> Router {
    Router::new()
        .route("/orders", get(orders))
        .route("/users", get(users))
        .route("/audit", get(audit))
        .route("/health", get(async || "ok"))
        .with_state(directory)
}

type Params = Query<HashMap<String, String>>;

async fn orders(
    State(directory): State<Directory>,
    headers: HeaderMap,
    Query(params): Params,
) -> Result<Json<Value>, Refusal> {
    let account = who_is_it(&directory, &headers).await?;
    let limit = params.get("limit").map_or(20, |limit| limit.parse().unwrap_or(20));
    let offset = params.get("offset").map_or(0, |offset| offset.parse().unwrap_or(0));
    Ok(Json(json!({ "orders": numbers(limit, offset), "for": account.name })))
}

async fn users(
    State(directory): State<Directory>,
    headers: HeaderMap,
    Query(params): Params,
) -> Result<Json<Value>, Refusal> {
    must_be_admin(&directory, &headers).await?;
    let limit = params.get("limit").map_or(20, |limit| limit.parse().unwrap_or(20));
    let offset = params.get("offset").map_or(0, |offset| offset.parse().unwrap_or(0));
    let account = who_is_it(&directory, &headers).await?;
    Ok(Json(json!({ "users": numbers(limit, offset), "for": account.name })))
}

async fn audit(
    State(directory): State<Directory>,
    headers: HeaderMap,
    Query(params): Params,
) -> Result<Json<Value>, Refusal> {
    let reader = who_is_it(&directory, &headers).await.map_or("somebody", |account| account.name);
    let limit = params.get("limit").map_or(20, |limit| limit.parse().unwrap_or(20));
    let offset = params.get("offset").map_or(0, |offset| offset.parse().unwrap_or(0));
    Ok(Json(json!({ "entries": numbers(limit, offset), "for": reader })))
}

async fn who_is_it(directory: &Directory, headers: &HeaderMap) -> Result<Account, Refusal> {
    directory.find(bearer(headers)?).await.ok_or(Refusal::Unknown)
}

async fn must_be_admin(directory: &Directory, headers: &HeaderMap) -> Result<(), Refusal> {
    let account = who_is_it(directory, headers).await?;
    if account.role == Role::Admin { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Stands for a table with 250 rows.
fn numbers(limit: usize, offset: usize) -> Vec<usize> {
    (1..=250).skip(offset).take(limit).collect()
}
