//! What holds: a refresh token is another kind of thing than an access token, is consumed in one step, and its family
//! dies when it is used twice.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use lab::Probes;

use crate::{
    Login, Profile, Refresh, Tokens,
    access::AccessTokens,
    store::{Family, Store, TokenHash, random_token},
    users::{self, User},
};

/// Rotation with reuse detection.
pub async fn rotate(probes: Probes) -> Router {
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

impl Service {
    /// The next pair of a family. The role comes from the user's record, never from an old token.
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
    let family = service.store.start_family().await;
    service.issue(user, family).await
}

async fn profile(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Json<Profile>, StatusCode> {
    // A refresh token is no JWT at all, so this check cannot take it for an access token.
    let claims = service.access.check(&headers)?;
    Ok(Json(Profile { user: claims.sub, role: claims.role }))
}

// ANCHOR: rotate
async fn refresh(
    State(service): State<Arc<Service>>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, StatusCode> {
    let hash = TokenHash::of(&refresh.refresh_token);
    // One statement decides: `UPDATE … SET used = true WHERE hash = ? AND NOT used`. Of all who present this token at
    // the same moment, one gets the row.
    if let Some(row) = service.store.consume(&hash).await {
        let user = users::find(&row.user).ok_or(StatusCode::UNAUTHORIZED)?;
        return service.issue(user, row.family).await;
    }
    // Known, but not to be had: somebody used it before. Two people hold it, and nobody can say which one is the user.
    // A client that refreshes in two tabs at once ends its own session here; the reference API shows how to spare it.
    if let Some(row) = service.store.find(&hash).await {
        service.store.revoke(row.family).await;
    }
    Err(StatusCode::UNAUTHORIZED)
}
// ANCHOR_END: rotate
