//! The service that the tokens open. It is the same for every variant; only the check in front of it differs.

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};

/// What the service takes from a token that passed its check.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// The user's name.
    pub sub: String,
    /// What the user may do.
    pub role: String,
}

/// What `GET /profile` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Profile {
    /// The user's name.
    pub user: String,
    /// What the user may do.
    pub role: String,
}

/// A service that serves whoever passes the check.
pub fn service(check: impl Fn(&str) -> Option<Claims> + Clone + Send + Sync + 'static) -> Router {
    let profile = move |headers: HeaderMap| async move {
        let Some(token) = bearer(&headers) else { return refused("Bearer realm=\"orders\"") };
        match check(token) {
            Some(Claims { sub, role }) => Json(Profile { user: sub, role }).into_response(),
            None => refused("Bearer realm=\"orders\", error=\"invalid_token\""),
        }
    };
    Router::new().route("/profile", get(profile))
}

/// A 401 says which credentials are wanted (RFC 9110 §15.5.2), and not what was wrong with these.
fn refused(challenge: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}

/// The token in `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
