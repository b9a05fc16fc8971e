//! The extractor parses: a handler that asks for a `SignUp` cannot be reached with anything else. The rules are plain
//! functions, and one type holds the whole form.
//!
//! Fewer types than the first solution, and both doors are short. But inside `SignUp` a name and an address are strings
//! again: a later function can confuse them, which the compiler of the first solution would not let through.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, RequestExt, Router,
    extract::{FromRequest, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use parse_dont_validate::{
    accounts::{Account, Accounts},
    refusal::{FieldError, Refusal},
};
use serde_json::Value;

fn app(accounts: Accounts) -> Router {
    Router::new()
        .route("/sign-ups", post(sign_up))
        .route("/partners/sign-ups", post(sign_up))
        .route("/accounts", get(list))
        .with_state(accounts)
}

struct SignUp {
    username: String,
    email: String,
    age: u8,
}

impl<S: Send + Sync> FromRequest<S> for SignUp {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let Json(form) = request.extract::<Json<Value>, _>().await.map_err(IntoResponse::into_response)?;
        let (username, email, age) = (username(&form), email(&form), age(&form));
        match (username, email, age) {
            (Ok(username), Ok(email), Ok(age)) => Ok(Self { username, email, age }),
            (username, email, age) => {
                let errors = [("username", username.err()), ("email", email.err()), ("age", age.err())];
                let errors =
                    errors.into_iter().filter_map(|(name, fault)| Some(FieldError::at(name, fault?)));
                Err(Refusal::Fields(errors.collect()).into_response())
            }
        }
    }
}

fn username(form: &Value) -> Result<String, &'static str> {
    let name = form["username"].as_str().ok_or("is needed, as a text")?.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = (3..=20).contains(&name.len()) && name.chars().all(allowed);
    fits.then_some(name).ok_or("must be 3 to 20 of a-z, 0-9 and _")
}

fn email(form: &Value) -> Result<String, &'static str> {
    let address = form["email"].as_str().ok_or("is needed, as a text")?.trim().to_lowercase();
    let parts: Vec<_> = address.split('@').collect();
    let printable = |c: char| !c.is_whitespace() && !c.is_control();
    let whole = parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && part.chars().all(printable));
    whole.then_some(address).ok_or("must be an e-mail address")
}

fn age(form: &Value) -> Result<u8, &'static str> {
    let years = form["age"].as_u64().and_then(|years| u8::try_from(years).ok());
    years.filter(|years| (18..=120).contains(years)).ok_or("must be a whole number from 18 to 120")
}

async fn sign_up(State(accounts): State<Accounts>, new: SignUp) -> Result<StatusCode, Refusal> {
    accounts.insert(&new.username, &new.email, new.age).await?;
    Ok(StatusCode::CREATED)
}

async fn list(State(accounts): State<Accounts>) -> Result<Json<Vec<Account>>, Refusal> {
    Ok(Json(accounts.all().await?))
}
