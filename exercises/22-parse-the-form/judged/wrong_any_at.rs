//! mistake: the address is cut at its first `@`, and what comes behind may be another one.
//! fails: every_fault_is_named_in_one_answer

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

#[derive(Deserialize)]
struct Form {
    username: Option<String>,
    email: Option<String>,
    age: Option<i64>,
}

struct Username(String);
struct Email(String);
struct Age(u8);

impl TryFrom<String> for Username {
    type Error = &'static str;

    fn try_from(mut text: String) -> Result<Self, Self::Error> {
        text.make_ascii_lowercase();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (3..=20).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err("must be 3 to 20 letters from a to z, digits or underscores")
        }
    }
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim().to_lowercase();
        match text.split_once('@') {
            Some((user, host)) if !user.is_empty() && !host.is_empty() && text.chars().all(printable) => {
                Ok(Self(text))
            }
            _ => Err("must be an e-mail address"),
        }
    }
}

/// A line break in an address would add a header to the mail that is sent to it.
fn printable(c: char) -> bool {
    !c.is_whitespace() && !c.is_control()
}

impl TryFrom<i64> for Age {
    type Error = &'static str;

    fn try_from(years: i64) -> Result<Self, Self::Error> {
        u8::try_from(years)
            .ok()
            .filter(|years| (18..=120).contains(years))
            .map(Self)
            .ok_or("must be from 18 to 120")
    }
}

struct SignUp {
    username: Username,
    email: Email,
    age: Age,
}

impl TryFrom<Form> for SignUp {
    type Error = Vec<FieldError>;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        let mut errors = Vec::new();
        let username = field("username", form.username, &mut errors);
        let email = field("email", form.email, &mut errors);
        let age = field("age", form.age, &mut errors);
        let (Some(username), Some(email), Some(age)) = (username, email, age) else { return Err(errors) };
        Ok(Self { username, email, age })
    }
}

fn field<Raw, T>(name: &str, raw: Option<Raw>, errors: &mut Vec<FieldError>) -> Option<T>
where
    T: TryFrom<Raw, Error = &'static str>,
{
    let parsed = raw.ok_or("is needed").and_then(T::try_from);
    parsed.map_err(|detail| errors.push(FieldError::at(name, detail))).ok()
}

async fn sign_up(State(accounts): State<Accounts>, Json(form): Json<Form>) -> Result<StatusCode, Refusal> {
    let SignUp { username, email, age } = SignUp::try_from(form).map_err(Refusal::Fields)?;
    // No question before the insert: the UNIQUE constraint answers it, and nobody can come in between.
    accounts.insert(&username.0, &email.0, age.0).await?;
    Ok(StatusCode::CREATED)
}

async fn list(State(accounts): State<Accounts>) -> Result<Json<Vec<Account>>, Refusal> {
    Ok(Json(accounts.all().await?))
}
