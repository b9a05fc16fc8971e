//! How a secret is guessed: offline, from one token, with a list of words. Nobody is asked and nothing is logged.

use axum::{Json, Router, routing::post};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};

use crate::{
    profile::{Claims, service},
    provider::{Draft, Provider},
    right::Verifier,
};

/// Secrets that stand in tutorials, in documentation and in sample settings. Real lists have a hundred thousand lines.
pub const KNOWN_SECRETS: [&str; 10] = [
    "secret",
    "password",
    "changeme",
    "jwt-secret",
    "supersecret",
    "your-secret-key",
    "your-256-bit-secret",
    "change-me-in-production",
    "a-string-secret-at-least-256-bits-long",
    FASTAPI_TUTORIAL,
];

/// The secret in FastAPI's tutorial on tokens: 64 hexadecimal digits that look like nobody could know them.
pub(crate) const FASTAPI_TUTORIAL: &str = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7";

/// The secret that the token was signed with, if it is on the list.
pub fn guess(token: &str) -> Option<&'static str> {
    let mut only_the_signature = Validation::new(Algorithm::HS256);
    only_the_signature.validate_exp = false;
    only_the_signature.validate_aud = false;
    only_the_signature.required_spec_claims.clear();
    let signed_with = |secret: &str| {
        decode::<Claims>(token, &DecodingKey::from_secret(secret.as_bytes()), &only_the_signature).is_ok()
    };
    KNOWN_SECRETS.into_iter().find(|secret| signed_with(secret))
}

/// A token that says Mallory is an admin, signed with the guessed secret, or with any if none was found.
pub(crate) fn promoted(token: &str) -> String {
    let secret = guess(token).unwrap_or(KNOWN_SECRETS[0]);
    Provider::new(secret.as_bytes()).sign(&Draft::access_token(MALLORY, "admin"))
}

/// The user who would like to be an admin.
pub(crate) const MALLORY: &str = "mallory";

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// What a login answers.
#[derive(Serialize)]
struct Issued {
    access_token: String,
}

/// The service with a login of its own, and with every check in front of it: only the secret differs. How a password is checked is the subject of lesson 10: here a name is enough to have
/// a token to look at.
pub(crate) fn login_and_profile(provider: Provider) -> Router {
    let verifier = Verifier::new(Algorithm::HS256, provider.key());
    let login = move |Json(Login { user }): Json<Login>| async move {
        Json(Issued { access_token: provider.sign(&Draft::access_token(&user, "user")) })
    };
    service(move |token| verifier.check(token)).route("/login", post(login))
}
