//! What holds: the form is parsed once, into types, with all its faults; the database decides what only it can know.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use lab::Probes;
use serde::Deserialize;

use crate::{
    ACCOUNTS, SIGN_UP,
    accounts::{Account, Accounts},
    fields::{Age, Email, Username},
    refusal::{FieldError, Refusal},
};

/// The form becomes a [`SignUp`], or a list of everything that is wrong with it.
pub async fn parse(probes: Probes) -> Router {
    Router::new()
        .route(SIGN_UP, post(sign_up))
        .route(ACCOUNTS, get(list))
        .with_state(Accounts::open(&probes).await)
}

/// The form as it comes over the wire. It promises nothing: each field may be missing.
#[derive(Debug, Deserialize)]
pub struct SignUpForm {
    username: Option<String>,
    email: Option<String>,
    age: Option<i64>,
}

// ANCHOR: parse
/// A sign-up that keeps all rules.
#[derive(Debug, PartialEq, Eq)]
pub struct SignUp {
    /// The name to log in with.
    pub username: Username,
    /// The address that mail goes to.
    pub email: Email,
    /// Whole years.
    pub age: Age,
}

impl TryFrom<SignUpForm> for SignUp {
    type Error = Vec<FieldError>;

    fn try_from(form: SignUpForm) -> Result<Self, Self::Error> {
        let mut errors = Vec::new();
        let username = field("username", form.username, &mut errors);
        let email = field("email", form.email, &mut errors);
        let age = field("age", form.age, &mut errors);
        // All three have been looked at. A `?` behind each would have stopped at the first fault.
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
// ANCHOR_END: parse

// ANCHOR: constraint
async fn sign_up(
    State(accounts): State<Accounts>,
    Json(form): Json<SignUpForm>,
) -> Result<StatusCode, Refusal> {
    let new = SignUp::try_from(form).map_err(Refusal::Fields)?;
    create(&accounts, &new).await?;
    Ok(StatusCode::CREATED)
}

/// Takes the parsed type. No caller, today or next year, can hand it a form that nobody looked at.
async fn create(accounts: &Accounts, new: &SignUp) -> Result<(), Refusal> {
    // No question before the insert. Of two who ask at the same moment both would hear "free"; of two who insert, the
    // UNIQUE constraint lets one through, and `InsertError::Taken` becomes the 409.
    accounts.insert(new.username.as_str(), new.email.as_str(), new.age.years()).await?;
    Ok(())
}
// ANCHOR_END: constraint

async fn list(State(accounts): State<Accounts>) -> Result<Json<Vec<Account>>, Refusal> {
    Ok(Json(accounts.all().await?))
}
