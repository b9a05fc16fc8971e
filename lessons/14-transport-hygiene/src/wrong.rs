//! What people write. One can log in and open the profile, from the test and from the terminal.

use std::time::Duration;

use axum::{
    BoxError, Json, Router,
    error_handling::HandleErrorLayer,
    extract::Query,
    http::{HeaderValue, Method, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use lab::Probes;
use serde::Deserialize;
use serde_json::json;
use tower::{ServiceBuilder, buffer::BufferLayer, limit::RateLimitLayer, load_shed::LoadShedLayer};
use tower_http::cors::CorsLayer;

use crate::{
    SHOP_ORIGIN,
    right::{FREE, LOCKED, Throttle},
    shop::{Login, Shop, guard, profile, refused, too_many, whose},
};

/// Password and token travel in the address.
pub async fn query_string(probes: Probes) -> Router {
    // ANCHOR: query_string
    #[derive(Deserialize)]
    struct Token {
        token: String,
    }

    // Two plain arguments, so they are read from the query. So a framework that guesses does it, too.
    async fn login(Query(login): Query<Login>, shop: Shop) -> Response {
        shop.log_in(&login).map_or_else(refused, IntoResponse::into_response)
    }

    // The link can be opened from a mail.
    async fn profile_by_link(Query(Token { token }): Query<Token>) -> Response {
        whose(&token).map_or_else(refused, |name| Json(name).into_response())
    }
    // ANCHOR_END: query_string

    let shop = Shop::new(&probes);
    let for_login = shop.clone();
    let form = json!({ "login": "query", "token": "query" });
    let routes = Router::new()
        .route("/login", get(async move || Json(form)).post(move |query| login(query, for_login)))
        .route("/profile", get(profile_by_link));
    shop.logged(routes)
}

/// Everything is guarded, also the question that a browser asks first.
pub async fn auth_outside(_: Probes) -> Router {
    // ANCHOR: auth_outside
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static(SHOP_ORIGIN))
        .allow_methods([Method::GET])
        .allow_headers([header::AUTHORIZATION]);
    Router::new()
        .route("/profile", get(profile))
        .layer(cors)
        // Added last, so it is outermost: it sees the preflight first, and a preflight has no token.
        .layer(from_fn(guard))
    // ANCHOR_END: auth_outside
}

/// `permissive` panics together with credentials. This does not, and is worse.
pub async fn mirror_origin(_: Probes) -> Router {
    // ANCHOR: mirror_origin
    // Answers every origin with its own name, and allows credentials: every site may read what its visitor may.
    let cors = CorsLayer::very_permissive();
    // ANCHOR_END: mirror_origin
    Router::new().route("/profile", get(profile)).layer(from_fn(guard)).layer(cors)
}

/// Five logins a minute, says the layer.
pub async fn per_connection(probes: Probes) -> Router {
    let shop = Shop::new(&probes);
    let login = move |Json(login): Json<Login>| async move {
        shop.log_in(&login).map_or_else(refused, IntoResponse::into_response)
    };
    // ANCHOR: per_connection
    let limit = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(async |_: BoxError| too_many(LOCKED.as_secs())))
        .layer(BufferLayer::new(64))
        .layer(LoadShedLayer::new())
        // The count lives in the service that this layer makes. `axum::serve` makes one for each connection.
        .layer(RateLimitLayer::new(FREE.into(), Duration::from_secs(60)));
    Router::new().route("/login", post(login)).layer(limit)
    // ANCHOR_END: per_connection
}

/// One counter for everybody.
pub async fn one_for_all(probes: Probes) -> Router {
    let (shop, throttle) = (Shop::new(&probes), Throttle::default());
    let login = move |Json(login): Json<Login>| async move {
        // ANCHOR: one_for_all
        // Counts all attempts. Five wrong ones, and nobody logs in for a minute.
        if let Err(seconds) = throttle.attempt("login") {
            return too_many(seconds);
        }
        // ANCHOR_END: one_for_all
        shop.log_in(&login).map_or_else(refused, IntoResponse::into_response)
    };
    Router::new().route("/login", post(login))
}
