//! mistake: the guard is added after CORS, so it sees the preflight first.
//! fails: the_preflight_is_answered_and_the_profile_stays_shut, the_shops_own_pages_may_read_every_answer_and_no_others

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
    let login = Router::new()
        .route("/login", post(login))
        .layer(cors.clone())
        .with_state(Service { shop, throttle: Throttle::default() });
    Router::new().route("/profile", get(profile)).layer(cors).layer(from_fn(guard)).merge(login)
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
