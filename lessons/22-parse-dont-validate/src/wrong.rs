//! What people write. A sound form makes an account, and the tests of the constructors are green.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{MethodRouter, get, post},
};
use lab::Probes;
use serde::Deserialize;

use crate::{
    ACCOUNTS, SIGN_UP,
    accounts::{Account, Accounts},
    fields,
    refusal::{FieldError, Refusal},
};

/// A type for each field, with a constructor that checks. The JSON does not go through it.
pub mod newtype {
    use serde::Deserialize;

    // ANCHOR: derived_newtype
    /// A username. The only public way to make one is [`Username::new`], or so it seems.
    #[derive(Debug, Deserialize)]
    pub struct Username(String);

    impl Username {
        /// # Errors
        /// If the name is too short or has other characters than letters, digits and `_`.
        pub fn new(name: &str) -> Result<Self, &'static str> {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.len() >= 3 && name.chars().all(allowed) {
                Ok(Self(name.to_owned()))
            } else {
                Err("no name")
            }
        }

        /// The name.
        pub fn as_str(&self) -> &str {
            &self.0
        }
    }

    /// The form. The derive above fills the private field by itself, so `new` is never called.
    #[derive(Debug, Deserialize)]
    pub struct SignUp {
        pub(crate) username: Username,
        pub(crate) email: String,
        pub(crate) age: u8,
    }
    // ANCHOR_END: derived_newtype
}

/// Checked types whose `Deserialize` checks nothing.
pub async fn derived_newtype(probes: Probes) -> Router {
    async fn sign_up(
        State(accounts): State<Accounts>,
        Json(new): Json<newtype::SignUp>,
    ) -> Result<StatusCode, Refusal> {
        accounts.insert(new.username.as_str(), &new.email, new.age).await?;
        Ok(StatusCode::CREATED)
    }

    service(Accounts::open(&probes).await, post(sign_up))
}

/// The form as plain data.
#[derive(Debug, Deserialize)]
pub struct Form {
    username: String,
    email: String,
    age: i64,
}

// ANCHOR: validate
/// Says what is wrong with a form. What is right about it, nobody hands on.
pub fn validate(form: &Form) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if form.username.chars().count() < 3 || !form.username.chars().all(char::is_alphanumeric) {
        errors.push(FieldError::at("username", "must be 3 or more letters or digits"));
    }
    // Trimmed for the check only: people paste addresses with a space.
    if !form.email.trim().contains('@') {
        errors.push(FieldError::at("email", "must be an e-mail address"));
    }
    if !(18..=120).contains(&form.age) {
        errors.push(FieldError::at("age", "must be from 18 to 120"));
    }
    errors
}

async fn checked_sign_up(
    State(accounts): State<Accounts>,
    Json(form): Json<Form>,
) -> Result<StatusCode, Refusal> {
    let errors = validate(&form);
    if !errors.is_empty() {
        return Err(Refusal::Fields(errors));
    }
    // The strings as they came. And the age has to be converted once more, although it was looked at above.
    let age = u8::try_from(form.age).map_err(|_| Refusal::Internal)?;
    accounts.insert(&form.username, &form.email, age).await?;
    Ok(StatusCode::CREATED)
}
// ANCHOR_END: validate

/// All faults are found and told; the form itself goes on unchanged.
pub async fn validate_and_reuse(probes: Probes) -> Router {
    service(Accounts::open(&probes).await, post(checked_sign_up))
}

/// The right types, built by serde while it reads. It stops at the first field that refuses.
pub async fn first_error(probes: Probes) -> Router {
    // ANCHOR: first_error
    #[derive(Deserialize)]
    struct SignUp {
        username: fields::Username,
        email: fields::Email,
        age: fields::Age,
    }

    async fn sign_up(
        State(accounts): State<Accounts>,
        Json(new): Json<SignUp>,
    ) -> Result<StatusCode, Refusal> {
        accounts.insert(new.username.as_str(), new.email.as_str(), new.age.years()).await?;
        Ok(StatusCode::CREATED)
    }
    // ANCHOR_END: first_error

    service(Accounts::open(&probes).await, post(sign_up))
}

/// A question and an insert, with a moment in between.
pub async fn check_then_insert(probes: Probes) -> Router {
    // ANCHOR: check_then_insert
    async fn sign_up(
        State(accounts): State<Accounts>,
        Json(form): Json<Form>,
    ) -> Result<StatusCode, Refusal> {
        let errors = validate(&form);
        if !errors.is_empty() {
            return Err(Refusal::Fields(errors));
        }
        if accounts.has_email(&form.email).await? {
            return Err(Refusal::Taken("email"));
        }
        // Here the answer above is old. Everybody who asked before the first insert has heard "free".
        let age = u8::try_from(form.age).map_err(|_| Refusal::Internal)?;
        accounts.insert(&form.username, &form.email, age).await?;
        Ok(StatusCode::CREATED)
    }
    // ANCHOR_END: check_then_insert

    service(Accounts::open_without_constraints(&probes).await, post(sign_up))
}

fn service(accounts: Accounts, sign_up: MethodRouter<Accounts>) -> Router {
    Router::new().route(SIGN_UP, sign_up).route(ACCOUNTS, get(list)).with_state(accounts)
}

async fn list(State(accounts): State<Accounts>) -> Result<Json<Vec<Account>>, Refusal> {
    Ok(Json(accounts.all().await?))
}
