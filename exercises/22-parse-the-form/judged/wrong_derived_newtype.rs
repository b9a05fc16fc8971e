//! mistake: the types have a checking constructor, and the derived Deserialize goes past it.
//! fails: what_is_stored_is_what_was_checked, a_form_that_breaks_a_rule_is_refused_at_both_doors, every_fault_is_named_in_one_answer, a_taken_name_or_address_is_a_conflict_in_every_spelling

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use parse_dont_validate::{
    accounts::{Account, Accounts},
    refusal::{FieldError, Refusal},
};
use serde::Deserialize;

fn app(accounts: Accounts) -> Router {
    Router::new()
        .route("/sign-ups", post(sign_up))
        .route("/partners/sign-ups", post(sign_up))
        .route("/accounts", get(list))
        .with_state(accounts)
}

/// The types check in `new`. The derive fills them without asking it.
#[derive(Deserialize)]
struct Username(String);

#[derive(Deserialize)]
struct Email(String);

#[derive(Deserialize)]
struct Age(u8);

impl Username {
    /// For our own code.
    #[expect(dead_code, reason = "nobody calls it, and that is the mistake")]
    fn new(text: &str) -> Result<Self, FieldError> {
        let fits = text.len() >= 3 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(FieldError::at("username", "no name")) }
    }
}

#[derive(Deserialize)]
struct SignUp {
    username: Username,
    email: Email,
    age: Age,
}

async fn sign_up(State(accounts): State<Accounts>, Json(form): Json<SignUp>) -> Result<StatusCode, Refusal> {
    let SignUp { username, email, age } = form;
    // No question before the insert: the UNIQUE constraint answers it, and nobody can come in between.
    accounts.insert(&username.0, &email.0, age.0).await?;
    Ok(StatusCode::CREATED)
}

async fn list(State(accounts): State<Accounts>) -> Result<Json<Vec<Account>>, Refusal> {
    Ok(Json(accounts.all().await?))
}
