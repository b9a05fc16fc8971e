//! mistake: the new access token is built from what is at hand, and the role is not. The admin is an ordinary user after a refresh.
//! fails: the_role_is_the_same_after_a_refresh

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
    store::{Family, Store, TokenHash, random_token},
    users::{self, User},
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Claims {
    sub: String,
    role: String,
    exp: u64,
}

struct Service {
    store: Store,
    secret: String,
}

fn app(store: Store) -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/profile", get(profile))
        .route("/refresh", post(refresh))
        .with_state(Arc::new(Service { store, secret: random_token() }))
}

impl Service {
    async fn issue(&self, user: &User, role: &str, family: Family) -> Result<Json<Tokens>, StatusCode> {
        let claims = Claims {
            sub: user.name.to_owned(),
            role: role.to_owned(),
            exp: get_current_timestamp() + 15 * 60,
        };
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        let access_token =
            encode(&Header::default(), &claims, &key).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let refresh_token = random_token();
        self.store.insert(TokenHash::of(&refresh_token), user, family).await;
        Ok(Json(Tokens { access_token, refresh_token: Some(refresh_token) }))
    }
}

async fn login(
    State(service): State<Arc<Service>>,
    Json(login): Json<Login>,
) -> Result<Json<Tokens>, StatusCode> {
    let user = users::sign_in(&login.user, &login.password).ok_or(StatusCode::UNAUTHORIZED)?;
    let family = service.store.start_family().await;
    service.issue(user, user.role, family).await
}

async fn profile(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Json<Profile>, StatusCode> {
    let key = DecodingKey::from_secret(service.secret.as_bytes());
    let token = decode::<Claims>(bearer(&headers)?, &key, &Validation::default());
    let claims = token.map_err(|_| StatusCode::UNAUTHORIZED)?.claims;
    Ok(Json(Profile { user: claims.sub, role: claims.role }))
}

async fn refresh(
    State(service): State<Arc<Service>>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, StatusCode> {
    let hash = TokenHash::of(&refresh.refresh_token);
    if let Some(row) = service.store.consume(&hash).await {
        let user = users::find(&row.user).ok_or(StatusCode::UNAUTHORIZED)?;
        return service.issue(user, "user", row.family).await;
    }
    if let Some(row) = service.store.find(&hash).await {
        service.store.revoke(row.family).await;
    }
    Err(StatusCode::UNAUTHORIZED)
}
