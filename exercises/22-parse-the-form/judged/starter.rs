//! The account service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use parse_dont_validate::accounts::{Account, Accounts};
use serde::Deserialize;

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(accounts: Accounts) -> Router {
    Router::new()
        .route("/sign-ups", post(sign_up))
        .route("/partners/sign-ups", post(partner_sign_up))
        .route("/accounts", get(list))
        .with_state(accounts)
}

#[derive(Deserialize)]
struct Form {
    username: String,
    email: String,
    age: u8,
}

fn validate(form: &Form) -> Result<(), &'static str> {
    if form.username.chars().count() < 3 || !form.username.chars().all(char::is_alphanumeric) {
        return Err("username: 3 or more letters or digits");
    }
    if !form.email.trim().contains('@') {
        return Err("email: not an address");
    }
    if !(18..=120).contains(&form.age) {
        return Err("age: 18 to 120");
    }
    Ok(())
}

async fn sign_up(State(accounts): State<Accounts>, Json(form): Json<Form>) -> Response {
    if let Err(fault) = validate(&form) {
        return (StatusCode::UNPROCESSABLE_ENTITY, fault).into_response();
    }
    store(&accounts, form).await
}

/// Partners have checked their customers already.
async fn partner_sign_up(State(accounts): State<Accounts>, Json(form): Json<Form>) -> Response {
    store(&accounts, form).await
}

async fn store(accounts: &Accounts, form: Form) -> Response {
    match accounts.has_email(&form.email).await {
        Ok(true) => return (StatusCode::CONFLICT, "this address is taken").into_response(),
        Ok(false) => {}
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
    match accounts.insert(&form.username, &form.email, form.age).await {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn list(State(accounts): State<Accounts>) -> Result<Json<Vec<Account>>, StatusCode> {
    accounts.all().await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
