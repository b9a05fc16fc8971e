//! The shop's API, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{
    BoxError, Json, Router,
    error_handling::HandleErrorLayer,
    extract::{
        Query, Request,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tower::{ServiceBuilder, buffer::BufferLayer, limit::RateLimitLayer, load_shed::LoadShedLayer};
use tower_http::cors::CorsLayer;
use transport_hygiene::shop::{Login, Shop, bearer, refused, whose};

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(shop: Shop) -> Router {
    // Five logins a minute.
    let limit = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(async |_: BoxError| StatusCode::TOO_MANY_REQUESTS))
        .layer(BufferLayer::new(64))
        .layer(LoadShedLayer::new())
        .layer(RateLimitLayer::new(5, Duration::from_secs(60)));
    let login = Router::new().route("/login", post(|query, body| login(shop, query, body))).layer(limit);
    let profile = Router::new()
        .route("/profile", get(profile))
        .layer(CorsLayer::very_permissive())
        .layer(from_fn(guard));
    profile.merge(login)
}

/// From the body, or from the address: the old app sends it there.
async fn login(
    shop: Shop,
    query: Result<Query<Login>, QueryRejection>,
    body: Result<Json<Login>, JsonRejection>,
) -> Response {
    let login = match (query, body) {
        (Ok(Query(login)), _) | (_, Ok(Json(login))) => login,
        (_, Err(wrong)) => return wrong.into_response(),
    };
    shop.log_in(&login).map_or_else(refused, IntoResponse::into_response)
}

#[derive(Deserialize)]
struct Link {
    token: String,
}

type Token = Result<Query<Link>, QueryRejection>;

fn user(headers: &HeaderMap, link: &Token) -> Option<&'static str> {
    bearer(headers).or(link.as_ref().ok().map(|link| link.token.as_str())).and_then(whose)
}

async fn guard(headers: HeaderMap, link: Token, request: Request, next: Next) -> Response {
    if user(&headers, &link).is_some() { next.run(request).await } else { refused() }
}

async fn profile(headers: HeaderMap, link: Token) -> Response {
    user(&headers, &link).map_or_else(refused, |name| Json(name).into_response())
}
