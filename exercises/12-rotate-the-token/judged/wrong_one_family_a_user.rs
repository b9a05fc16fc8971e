//! mistake: all logins of a user are one family. One stolen token, or one client that refreshes twice, ends every session.
//! fails: another_login_outlives_the_revoked_family

#[path = "../checks.rs"]
mod checks;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use refresh_tokens::{
    Login, Profile, Refresh, Tokens,
    access::AccessTokens,
    store::{Family, Store, TokenHash, random_token},
    users::{self, User},
};
use tokio::sync::Mutex;

struct Service {
    store: Store,
    access: AccessTokens,
    families: Mutex<HashMap<&'static str, Family>>,
}

fn app(store: Store) -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/profile", get(profile))
        .route("/refresh", post(refresh))
        .with_state(Arc::new(Service { store, access: AccessTokens::new(), families: Mutex::default() }))
}

impl Service {
    async fn issue(&self, user: &User, family: Family) -> Result<Json<Tokens>, StatusCode> {
        let refresh_token = random_token();
        self.store.insert(TokenHash::of(&refresh_token), user, family).await;
        Ok(Json(Tokens { access_token: self.access.issue(user)?, refresh_token: Some(refresh_token) }))
    }
}

async fn login(
    State(service): State<Arc<Service>>,
    Json(login): Json<Login>,
) -> Result<Json<Tokens>, StatusCode> {
    let user = users::sign_in(&login.user, &login.password).ok_or(StatusCode::UNAUTHORIZED)?;
    let mut families = service.families.lock().await;
    let family = match families.get(user.name) {
        Some(family) => *family,
        None => service.store.start_family().await,
    };
    families.insert(user.name, family);
    service.issue(user, family).await
}

async fn profile(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Json<Profile>, StatusCode> {
    let claims = service.access.check(&headers)?;
    Ok(Json(Profile { user: claims.sub, role: claims.role }))
}

async fn refresh(
    State(service): State<Arc<Service>>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, StatusCode> {
    let hash = TokenHash::of(&refresh.refresh_token);
    if let Some(row) = service.store.consume(&hash).await {
        let user = users::find(&row.user).ok_or(StatusCode::UNAUTHORIZED)?;
        return service.issue(user, row.family).await;
    }
    if let Some(row) = service.store.find(&hash).await {
        service.store.revoke(row.family).await;
    }
    Err(StatusCode::UNAUTHORIZED)
}
