//! mistake: every claim is compared with care, and the signature with nothing.
//! fails: what_the_provider_did_not_sign_is_refused

#[path = "../checks.rs"]
mod checks;

use access_tokens::{
    profile::{Claims, Profile, bearer},
    provider::{AUDIENCE, ISSUER, LIFETIME_SECONDS, TYPE},
};
use axum::{
    Json, Router,
    http::{HeaderMap, HeaderName, StatusCode, header},
    routing::get,
};
use jsonwebtoken::{Algorithm, DecodingKey, dangerous::insecure_decode, get_current_timestamp};
use serde::Deserialize;

const LEEWAY_SECONDS: u64 = 5;

fn app(_key: DecodingKey) -> Router {
    Router::new().route("/profile", get(profile))
}

type Refused = (StatusCode, [(HeaderName, &'static str); 1]);

fn refused(challenge: &'static str) -> Refused {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)])
}

async fn profile(headers: HeaderMap) -> Result<Json<Profile>, Refused> {
    // Nothing was tried, so nothing was wrong with it: no error code (RFC 6750 §3.1).
    let token = bearer(&headers).ok_or_else(|| refused("Bearer realm=\"orders\""))?;
    let claims = check(token).ok_or_else(|| refused("Bearer realm=\"orders\", error=\"invalid_token\""))?;
    Ok(Json(Profile { user: claims.sub, role: claims.role }))
}

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

fn check(token: &str) -> Option<Claims> {
    let token = insecure_decode::<AccessClaims>(token).ok()?;
    let AccessClaims { iss, aud, iat, nbf, exp, claims } = token.claims;
    let now = get_current_timestamp();
    let ours = token.header.typ.as_deref() == Some(TYPE) && token.header.crit.is_none();
    let from_us_to_us = token.header.alg == Algorithm::HS256 && iss == ISSUER && aud == AUDIENCE;
    let begun = iat.max(nbf) <= now + LEEWAY_SECONDS;
    let alive = now < exp.saturating_add(LEEWAY_SECONDS);
    let short_lived = exp.checked_sub(iat).is_some_and(|life| life <= LIFETIME_SECONDS);
    (ours && from_us_to_us && begun && alive && short_lived).then_some(claims)
}
