//! CORS outermost and by name, secrets in body and header, and a count for each account in the state.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, Method, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::cors::CorsLayer;
use transport_hygiene::{
    SHOP_ORIGIN,
    right::Throttle,
    shop::{Login, Shop, guard, profile, refused, too_many},
};

#[derive(Clone)]
struct Service {
    shop: Shop,
    throttle: Throttle,
}

fn app(shop: Shop) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static(SHOP_ORIGIN))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .allow_credentials(true);
    Router::new()
        .route("/profile", get(profile))
        .route_layer(from_fn(guard))
        // After the guard, so that it does not stand in front of the login.
        .route("/login", post(login))
        .with_state(Service { shop, throttle: Throttle::default() })
        // Added last, so it is outermost: it answers preflights, and puts its headers on refusals as well.
        .layer(cors)
}

async fn login(State(service): State<Service>, Json(login): Json<Login>) -> Response {
    // Counted before it is compared, so that of twenty at once only five are.
    if let Err(seconds) = service.throttle.attempt(&login.user) {
        return too_many(seconds);
    }
    let Some(session) = service.shop.log_in(&login) else { return refused() };
    service.throttle.succeeded(&login.user);
    session.into_response()
}
