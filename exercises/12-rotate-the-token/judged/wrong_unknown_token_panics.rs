//! mistake: an unknown token, or a wrong password, is taken for a fault of the program. The client gets no answer at all.
//! fails: a_wrong_password_or_token_is_refused

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

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

struct Service {
    store: Store,
    access: AccessTokens,
}

fn app(store: Store) -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/profile", get(profile))
        .route("/refresh", post(refresh))
        .with_state(Arc::new(Service { store, access: AccessTokens::new() }))
}

impl Service {
    async fn issue(&self, user: &User, family: Family) -> Result<Json<Tokens>, StatusCode> {
        let refresh_token = random_token();
        self.store.insert(TokenHash::of(&refresh_token), user, family).await;
        Ok(Json(Tokens { access_token: self.access.issue(user)?, refresh_token: Some(refresh_token) }))
    }
}

#[expect(clippy::expect_used, reason = "this is the mistake")]
async fn login(
    State(service): State<Arc<Service>>,
    Json(login): Json<Login>,
) -> Result<Json<Tokens>, StatusCode> {
    let user = users::sign_in(&login.user, &login.password).expect("the user exists");
    let family = service.store.start_family().await;
    service.issue(user, family).await
}

async fn profile(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Json<Profile>, StatusCode> {
    let claims = service.access.check(&headers)?;
    Ok(Json(Profile { user: claims.sub, role: claims.role }))
}

#[expect(clippy::expect_used, reason = "this is the mistake")]
async fn refresh(
    State(service): State<Arc<Service>>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, StatusCode> {
    let hash = TokenHash::of(&refresh.refresh_token);
    if let Some(row) = service.store.consume(&hash).await {
        let user = users::find(&row.user).ok_or(StatusCode::UNAUTHORIZED)?;
        return service.issue(user, row.family).await;
    }
    let row = service.store.find(&hash).await.expect("the token was issued here");
    service.store.revoke(row.family).await;
    Err(StatusCode::UNAUTHORIZED)
}
