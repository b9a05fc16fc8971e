//! mistake: the refusal does not say what would be accepted.
//! fails: every_refusal_says_what_is_wanted

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use access_tokens::{
    profile::{Claims, Profile, bearer},
    provider::{AUDIENCE, ISSUER, LIFETIME_SECONDS, TYPE},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, get_current_timestamp};
use serde::Deserialize;

const LEEWAY_SECONDS: u64 = 5;

struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

fn app(key: DecodingKey) -> Router {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    // Replaces the default, which is `exp` alone.
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    Router::new().route("/profile", get(profile)).with_state(Arc::new(Verifier { key, validation }))
}

async fn profile(
    State(verifier): State<Arc<Verifier>>,
    headers: HeaderMap,
) -> Result<Json<Profile>, StatusCode> {
    let token = bearer(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let claims = verifier.check(token).ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(Profile { user: claims.sub, role: claims.role }))
}

#[derive(Deserialize)]
struct AccessClaims {
    iat: u64,
    exp: u64,
    #[serde(flatten)]
    claims: Claims,
}

impl Verifier {
    fn check(&self, token: &str) -> Option<Claims> {
        let token = decode::<AccessClaims>(token, &self.key, &self.validation).ok()?;
        let AccessClaims { iat, exp, claims } = token.claims;
        let access_token = token.header.typ.as_deref() == Some(TYPE);
        let plain = token.header.crit.is_none();
        let begun = iat <= get_current_timestamp() + LEEWAY_SECONDS;
        let short_lived = exp.checked_sub(iat).is_some_and(|life| life <= LIFETIME_SECONDS);
        (access_token && plain && begun && short_lived).then_some(claims)
    }
}
