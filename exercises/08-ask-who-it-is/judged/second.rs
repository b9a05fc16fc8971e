//! A guard around everything that is not named as open, and one around what is for administrators.
//!
//! A new list is guarded wherever it stands in `lists` or `for_administrators`, also if its handler names no user. The price is
//! that the handler trusts the layer: `Extension<Account>` outside of the guard would answer 500.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Extension, Json, Router,
    extract::{Query, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::get,
};
use extractors::{Account, Directory, Refusal, Role, bearer};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

fn app(directory: Directory) -> Router {
    let lists = Router::new().route("/orders", get(orders)).merge(for_administrators());
    Router::new()
        .merge(lists.route_layer(from_fn_with_state(directory, require_user)))
        .route("/health", get(async || "ok"))
}

fn for_administrators() -> Router {
    let lists = Router::new().route("/users", get(users)).route("/audit", get(audit));
    lists.route_layer(from_fn(require_admin))
}

async fn require_user(
    State(directory): State<Directory>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let account = directory.find(bearer(request.headers())?).await.ok_or(Refusal::Unknown)?;
    request.extensions_mut().insert(account);
    Ok(next.run(request).await)
}

async fn require_admin(
    Extension(account): Extension<Account>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if account.role == Role::Admin { Ok(next.run(request).await) } else { Err(Refusal::Forbidden) }
}

/// The bounds are in the types, so that `Query` itself refuses what is out of them.
#[derive(Deserialize)]
struct Page {
    #[serde(default = "twenty", deserialize_with = "from_1_to_100")]
    limit: usize,
    #[serde(default)]
    offset: usize,
}

fn twenty() -> usize {
    20
}

fn from_1_to_100<'de, D: Deserializer<'de>>(value: D) -> Result<usize, D::Error> {
    let limit = usize::deserialize(value)?;
    (1..=100).contains(&limit).then_some(limit).ok_or_else(|| D::Error::custom("a limit goes from 1 to 100"))
}

fn numbers(page: &Page) -> Vec<usize> {
    (1..=250).skip(page.offset).take(page.limit).collect()
}

type Asked = Result<Query<Page>, axum::extract::rejection::QueryRejection>;

fn list(name: &str, account: Account, page: Asked) -> Result<Json<Value>, StatusCode> {
    let Query(page) = page.map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(Json(json!({ name: numbers(&page), "for": account.name })))
}

async fn orders(Extension(account): Extension<Account>, page: Asked) -> Result<Json<Value>, StatusCode> {
    list("orders", account, page)
}

async fn users(Extension(account): Extension<Account>, page: Asked) -> Result<Json<Value>, StatusCode> {
    list("users", account, page)
}

async fn audit(Extension(account): Extension<Account>, page: Asked) -> Result<Json<Value>, StatusCode> {
    list("entries", account, page)
}
