//! The token service, ported from a tutorial for another language. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp};
use refresh_tokens::{
    Login, Profile, Refresh, Tokens,
    access::bearer,
    store::{Store, random_token},
    users,
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Claims {
    sub: String,
    kind: String,
    role: Option<String>,
    exp: u64,
}

struct Secret(String);

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(_store: Store) -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/profile", get(profile))
        .route("/refresh", post(refresh))
        .with_state(Arc::new(Secret(random_token())))
}

impl Secret {
    fn issue(&self, sub: &str, kind: &str, role: Option<&str>, minutes: u64) -> Result<String, StatusCode> {
        let exp = get_current_timestamp() + minutes * 60;
        let claims =
            Claims { sub: sub.to_owned(), kind: kind.to_owned(), role: role.map(str::to_owned), exp };
        let key = EncodingKey::from_secret(self.0.as_bytes());
        encode(&Header::default(), &claims, &key).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn check(&self, token: &str) -> Result<Claims, StatusCode> {
        let key = DecodingKey::from_secret(self.0.as_bytes());
        let token = decode(token, &key, &Validation::default()).map_err(|_| StatusCode::UNAUTHORIZED)?;
        Ok(token.claims)
    }
}

async fn login(
    State(secret): State<Arc<Secret>>,
    Json(login): Json<Login>,
) -> Result<Json<Tokens>, StatusCode> {
    let user = users::sign_in(&login.user, &login.password).ok_or(StatusCode::UNAUTHORIZED)?;
    let access_token = secret.issue(user.name, "access", Some(user.role), 15)?;
    let refresh_token = secret.issue(user.name, "refresh", None, 30 * 24 * 60)?;
    Ok(Json(Tokens { access_token, refresh_token: Some(refresh_token) }))
}

async fn profile(State(secret): State<Arc<Secret>>, headers: HeaderMap) -> Result<Json<Profile>, StatusCode> {
    let claims = secret.check(bearer(&headers)?)?;
    Ok(Json(Profile { user: claims.sub, role: claims.role.unwrap_or_else(|| "user".to_owned()) }))
}

async fn refresh(
    State(secret): State<Arc<Secret>>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, StatusCode> {
    let claims = secret.check(&refresh.refresh_token)?;
    let access_token = secret.issue(&claims.sub, "access", claims.role.as_deref(), 15)?;
    Ok(Json(Tokens { access_token, refresh_token: Some(refresh.refresh_token) }))
}
