//! What people write. Log in, open the profile, refresh, open it again: every functional test is green.

use std::sync::Arc;

use aws_lc_rs::rand;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp,
};
use lab::Probes;
use serde::{Deserialize, Serialize};

use crate::{
    Login, Profile, Refresh, Tokens,
    access::{AccessTokens, bearer},
    store::{Store, TokenHash, random_token},
    users,
};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// Both tokens are JWTs of one key, and a claim says which is which. Nothing is stored.
pub async fn stateless_jwt(_: Probes) -> Router {
    Router::new()
        .route("/login", post(login_without_state))
        .route("/profile", get(profile_without_state))
        .route("/refresh", post(refresh_without_state))
        .with_state(Arc::new(Keys::new()))
}

#[derive(Deserialize, Serialize)]
struct Claims {
    sub: String,
    kind: String,
    role: Option<String>,
    exp: u64,
}

struct Keys(EncodingKey, DecodingKey);

impl Keys {
    #[expect(clippy::expect_used, reason = "without randomness there is no key and nothing to serve")]
    fn new() -> Self {
        let mut secret = [0; 32];
        rand::fill(&mut secret).expect("the system gives random bytes");
        Self(EncodingKey::from_secret(&secret), DecodingKey::from_secret(&secret))
    }

    fn issue(&self, sub: &str, kind: &str, role: Option<&str>, lifetime: u64) -> Result<String, StatusCode> {
        let exp = get_current_timestamp() + lifetime;
        let claims =
            Claims { sub: sub.to_owned(), kind: kind.to_owned(), role: role.map(str::to_owned), exp };
        encode(&Header::new(Algorithm::HS256), &claims, &self.0)
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn check(&self, token: &str) -> Result<Claims, StatusCode> {
        let validation = Validation::new(Algorithm::HS256);
        decode(token, &self.1, &validation).map(|token| token.claims).map_err(|_| StatusCode::UNAUTHORIZED)
    }
}

async fn login_without_state(
    State(keys): State<Arc<Keys>>,
    Json(login): Json<Login>,
) -> Result<Json<Tokens>, StatusCode> {
    let user = users::sign_in(&login.user, &login.password).ok_or(StatusCode::UNAUTHORIZED)?;
    let access_token = keys.issue(user.name, "access", Some(user.role), 15 * MINUTE)?;
    let refresh_token = Some(keys.issue(user.name, "refresh", None, 30 * DAY)?);
    Ok(Json(Tokens { access_token, refresh_token }))
}

// ANCHOR: refresh_without_state
async fn refresh_without_state(
    State(keys): State<Arc<Keys>>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, StatusCode> {
    let claims = keys.check(&refresh.refresh_token)?;
    // The one place that asks which kind it is. The profile below does not.
    if claims.kind != "refresh" {
        return Err(StatusCode::UNAUTHORIZED);
    }
    // The refresh token carries no role, so the new access token has none either.
    let access_token = keys.issue(&claims.sub, "access", claims.role.as_deref(), 15 * MINUTE)?;
    Ok(Json(Tokens { access_token, refresh_token: None }))
}

async fn profile_without_state(
    State(keys): State<Arc<Keys>>,
    headers: HeaderMap,
) -> Result<Json<Profile>, StatusCode> {
    let claims = keys.check(bearer(&headers)?)?;
    let role = claims.role.unwrap_or_else(|| "user".to_owned());
    Ok(Json(Profile { user: claims.sub, role }))
}
// ANCHOR_END: refresh_without_state

/// Tokens are random, stored and rotated, but in two steps, and a used one that comes back is only refused.
pub async fn read_then_write(probes: Probes) -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/profile", get(profile))
        .route("/refresh", post(refresh))
        .with_state(Arc::new(Service { store: Store::new(&probes), access: AccessTokens::new() }))
}

struct Service {
    store: Store,
    access: AccessTokens,
}

async fn login(
    State(service): State<Arc<Service>>,
    Json(login): Json<Login>,
) -> Result<Json<Tokens>, StatusCode> {
    let user = users::sign_in(&login.user, &login.password).ok_or(StatusCode::UNAUTHORIZED)?;
    let refresh_token = random_token();
    let family = service.store.start_family().await;
    service.store.insert(TokenHash::of(&refresh_token), user, family).await;
    Ok(Json(Tokens { access_token: service.access.issue(user)?, refresh_token: Some(refresh_token) }))
}

async fn profile(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Json<Profile>, StatusCode> {
    let claims = service.access.check(&headers)?;
    Ok(Json(Profile { user: claims.sub, role: claims.role }))
}

// ANCHOR: read_then_write
async fn refresh(
    State(service): State<Arc<Service>>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, StatusCode> {
    let hash = TokenHash::of(&refresh.refresh_token);
    let row = service.store.find(&hash).await.ok_or(StatusCode::UNAUTHORIZED)?;
    if row.used {
        // Refused, and forgotten: whoever refreshed first keeps the session.
        return Err(StatusCode::UNAUTHORIZED);
    }
    // Between reading and writing, others read as well.
    service.store.mark_used(&hash).await;
    let user = users::find(&row.user).ok_or(StatusCode::UNAUTHORIZED)?;
    let refresh_token = random_token();
    service.store.insert(TokenHash::of(&refresh_token), user, row.family).await;
    Ok(Json(Tokens { access_token: service.access.issue(user)?, refresh_token: Some(refresh_token) }))
}
// ANCHOR_END: read_then_write
