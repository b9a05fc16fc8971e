//! mistake: the limit is a layer around the route, and is made anew for each connection.
//! fails: the_sixth_guess_is_refused_over_however_many_connections, nobody_else_is_locked_out, the_right_password_forgets_the_wrong_ones_before_it

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{
    BoxError, Json, Router,
    error_handling::HandleErrorLayer,
    http::{HeaderValue, Method, header},
    middleware::from_fn,
    response::IntoResponse,
    routing::{get, post},
};
use tower::{ServiceBuilder, buffer::BufferLayer, limit::RateLimitLayer, load_shed::LoadShedLayer};
use tower_http::cors::CorsLayer;
use transport_hygiene::{
    SHOP_ORIGIN,
    shop::{Login, Shop, guard, profile, refused, too_many},
};

fn app(shop: Shop) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static(SHOP_ORIGIN))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .allow_credentials(true);
    let limit = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(async |_: BoxError| too_many(60)))
        .layer(BufferLayer::new(64))
        .layer(LoadShedLayer::new())
        .layer(RateLimitLayer::new(5, Duration::from_secs(60)));
    let login = move |Json(login): Json<Login>| async move {
        shop.log_in(&login).map_or_else(refused, IntoResponse::into_response)
    };
    let login = Router::new().route("/login", post(login)).layer(limit);
    Router::new().route("/profile", get(profile)).route_layer(from_fn(guard)).merge(login).layer(cors)
}
