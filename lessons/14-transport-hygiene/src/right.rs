//! What holds: secrets travel in body and header, CORS is outermost and names its origin, and guesses are counted for each
//! account in state that all connections share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, Method, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use lab::Probes;
use serde_json::json;
use tokio::time::Instant;
use tower_http::cors::CorsLayer;

use crate::{
    SHOP_ORIGIN,
    shop::{Login, Shop, guard, profile, refused, too_many},
};

/// The password in the body, the token in a header.
pub async fn body_and_header(probes: Probes) -> Router {
    // ANCHOR: body_and_header
    async fn login(State(shop): State<Shop>, Json(login): Json<Login>) -> Response {
        shop.log_in(&login).map_or_else(refused, IntoResponse::into_response)
    }
    // ANCHOR_END: body_and_header

    let shop = Shop::new(&probes);
    let form = json!({ "login": "body", "token": "header" });
    let routes = Router::new()
        .route("/login", get(async move || Json(form)).post(login))
        .route("/profile", get(profile))
        .with_state(shop.clone());
    shop.logged(routes)
}

/// The browser's question is answered before anybody asks for a token.
pub async fn cors_outermost(_: Probes) -> Router {
    // ANCHOR: cors_outermost
    let cors = CorsLayer::new()
        // Our own site, by name: scheme, host and port.
        .allow_origin(HeaderValue::from_static(SHOP_ORIGIN))
        .allow_methods([Method::GET])
        .allow_headers([header::AUTHORIZATION])
        .allow_credentials(true);
    Router::new()
        .route("/profile", get(profile))
        .layer(from_fn(guard))
        // Added last, so it is outermost: it answers the preflight itself, and it puts its headers on a 401 as well. Without
        // them the page could not even see that it has to log in.
        .layer(cors)
    // ANCHOR_END: cors_outermost
}

/// Attempts that are free.
pub const FREE: u32 = 5;
/// How long an account is locked after them.
pub const LOCKED: Duration = Duration::from_secs(60);
/// More names than this are not remembered: a stranger can make up as many as they like.
pub const MOST_NAMES: usize = 10_000;

// ANCHOR: throttle
/// Counts attempts for each account. Cloning it is cheap, and all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Throttle(Arc<Mutex<HashMap<String, Attempts>>>);

#[derive(Debug)]
struct Attempts {
    made: u32,
    forgotten_at: Instant,
}

impl Throttle {
    /// Counts an attempt before it is known to fail, so that of a hundred at once all but a few are refused unheard.
    ///
    /// # Errors
    /// If too many were made; in so many seconds it is worth while to come again.
    pub fn attempt(&self, account: &str) -> Result<(), u64> {
        let (now, account) = (Instant::now(), account.to_lowercase());
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= MOST_NAMES && !accounts.contains_key(&account) {
            forget_one_or_more(&mut accounts, now);
        }
        // Names that do not exist are counted like others: else the limit would tell which do.
        let attempts =
            accounts.entry(account).or_insert_with(|| Attempts { made: 0, forgotten_at: now + LOCKED });
        if attempts.forgotten_at <= now {
            *attempts = Attempts { made: 0, forgotten_at: now + LOCKED };
        }
        if attempts.made >= FREE {
            return Err((attempts.forgotten_at - now).as_secs() + 1);
        }
        attempts.made += 1;
        Ok(())
    }

    /// The attempt was the right password.
    pub fn succeeded(&self, account: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&account.to_lowercase());
    }
}
// ANCHOR_END: throttle

/// Whoever floods the table with made-up names pushes an account out of it: ten thousand attempts for five. A limit for each
/// address, which the reference API has as well, makes that dear.
fn forget_one_or_more(accounts: &mut HashMap<String, Attempts>, now: Instant) {
    accounts.retain(|_, attempts| now < attempts.forgotten_at);
    if accounts.len() < MOST_NAMES {
        return;
    }
    let first = accounts.iter().min_by_key(|(_, attempts)| attempts.forgotten_at);
    if let Some(name) = first.map(|(name, _)| name.clone()) {
        accounts.remove(&name);
    }
}

/// The limit is part of the state, and knows whose account is tried.
pub async fn per_account(probes: Probes) -> Router {
    // ANCHOR: per_account
    async fn login(State(service): State<Service>, Json(login): Json<Login>) -> Response {
        if let Err(seconds) = service.throttle.attempt(&login.user) {
            return too_many(seconds);
        }
        let Some(session) = service.shop.log_in(&login) else { return refused() };
        service.throttle.succeeded(&login.user);
        session.into_response()
    }
    // ANCHOR_END: per_account

    let service = Service { shop: Shop::new(&probes), throttle: Throttle::default() };
    Router::new().route("/login", post(login)).with_state(service)
}

#[derive(Clone)]
struct Service {
    shop: Shop,
    throttle: Throttle,
}
