//! A layer guards the routes and hands the claims on; what a token must say is written as a type that cannot be read otherwise.

#[path = "../checks.rs"]
mod checks;

use access_tokens::{
    profile::{Claims, Profile, bearer},
    provider::{AUDIENCE, ISSUER, LIFETIME_SECONDS, TYPE},
};
use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, get_current_timestamp};
use serde::Deserialize;

const LEEWAY_SECONDS: u64 = 5;

fn app(key: DecodingKey) -> Router {
    Router::new().route("/profile", get(profile)).route_layer(from_fn_with_state(key, guard))
}

async fn profile(Extension(whose): Extension<Whose>) -> Json<Profile> {
    Json(Profile { user: whose.user, role: whose.role })
}

#[derive(Clone)]
struct Whose {
    user: String,
    role: String,
}

/// Every field is needed and has one type: a token without one of them, or with a list for an audience, is not read at all.
#[derive(Deserialize)]
struct AccessClaims {
    iss: String,
    aud: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    #[serde(flatten)]
    claims: Claims,
}

async fn guard(State(key): State<DecodingKey>, mut request: Request, next: Next) -> Response {
    let Some(claims) = bearer(request.headers()).and_then(|token| check(token, &key)) else {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer realm=\"orders\"")])
            .into_response();
    };
    request.extensions_mut().insert(Whose { user: claims.sub, role: claims.role });
    next.run(request).await
}

/// The library checks the signature and the algorithm. The claims are compared here, where they can be read in one place.
fn check(token: &str, key: &DecodingKey) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let token = decode::<AccessClaims>(token, key, &validation).ok()?;
    let AccessClaims { iss, aud, iat, nbf, exp, claims } = token.claims;
    let now = get_current_timestamp();
    let ours = token.header.typ.as_deref() == Some(TYPE) && token.header.crit.is_none();
    let from_us_to_us = iss == ISSUER && aud == AUDIENCE;
    let begun = iat.max(nbf) <= now + LEEWAY_SECONDS;
    let alive = now < exp.saturating_add(LEEWAY_SECONDS);
    let short_lived = exp.checked_sub(iat).is_some_and(|life| life <= LIFETIME_SECONDS);
    (ours && from_us_to_us && begun && alive && short_lived).then_some(claims)
}
