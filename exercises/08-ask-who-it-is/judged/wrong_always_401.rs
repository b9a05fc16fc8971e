//! mistake: whoever may not is told to log in, and a client that does so again and again never gets further.
//! fails: whoever_is_no_administrator_is_refused_at_the_lists_for_administrators

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Query},
    http::{StatusCode, request::Parts},
    routing::get,
};
use extractors::{Account, Directory, Refusal, Role, bearer};
use serde::Deserialize;
use serde_json::{Value, json};

fn app(directory: Directory) -> Router {
    Router::new()
        .route("/orders", get(orders))
        .route("/users", get(users))
        .route("/audit", get(audit))
        .route("/health", get(async || "ok"))
        .with_state(directory)
}

/// Whoever is asking. Nobody else gets into a handler that names it.
struct User(Account);

impl FromRequestParts<Directory> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, directory: &Directory) -> Result<Self, Refusal> {
        directory.find(bearer(&parts.headers)?).await.map(Self).ok_or(Refusal::Unknown)
    }
}

/// Whoever is asking, who is an administrator. It holds the account, so no handler needs `User` beside it.
struct AdminUser(Account);

impl FromRequestParts<Directory> for AdminUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, directory: &Directory) -> Result<Self, Refusal> {
        let User(account) = User::from_request_parts(parts, directory).await?;
        if account.role == Role::Admin { Ok(Self(account)) } else { Err(Refusal::Unknown) }
    }
}

/// Which part of a list. There is no page with a limit that is too large.
struct Paging {
    limit: usize,
    offset: usize,
}

#[derive(Deserialize)]
struct Asked {
    limit: Option<usize>,
    offset: Option<usize>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let asked = Query::<Asked>::try_from_uri(&parts.uri).map_err(|_| StatusCode::BAD_REQUEST)?;
        let page = Self { limit: asked.limit.unwrap_or(20), offset: asked.offset.unwrap_or(0) };
        if (1..=100).contains(&page.limit) { Ok(page) } else { Err(StatusCode::BAD_REQUEST) }
    }
}

impl Paging {
    /// Stands for `LIMIT … OFFSET …` on a table with 250 rows.
    fn numbers(&self) -> Vec<usize> {
        (1..=250).skip(self.offset).take(self.limit).collect()
    }
}

// From left to right: who asks, then which page.
async fn orders(User(account): User, page: Paging) -> Json<Value> {
    Json(json!({ "orders": page.numbers(), "for": account.name }))
}

async fn users(AdminUser(account): AdminUser, page: Paging) -> Json<Value> {
    Json(json!({ "users": page.numbers(), "for": account.name }))
}

async fn audit(AdminUser(account): AdminUser, page: Paging) -> Json<Value> {
    Json(json!({ "entries": page.numbers(), "for": account.name }))
}
