//! A bucket for each account that fills again drop by drop, and a stack that is written from the outside in.

#[path = "../checks.rs"]
mod checks;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    http::{HeaderValue, Method, header},
    middleware::from_fn,
    response::IntoResponse,
    routing::{get, post},
};
use tokio::time::Instant;
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};
use transport_hygiene::{
    SHOP_ORIGIN,
    shop::{Login, Shop, guard, profile, refused, too_many},
};

const FREE: u32 = 5;
/// One attempt comes back after that time.
const DROP: Duration = Duration::from_secs(12);
/// With so many names, full buckets are thrown away, and if there is none the one that is full first.
const MOST_NAMES: usize = 10_000;

/// When each account's bucket will be full again.
#[derive(Clone, Default)]
struct Buckets(Arc<Mutex<HashMap<String, Instant>>>);

impl Buckets {
    fn take(&self, account: &str) -> Result<(), u64> {
        let now = Instant::now();
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_NAMES {
            full_at.retain(|_, full_at| now < *full_at);
            let first = full_at.iter().min_by_key(|(_, full_at)| **full_at).map(|(name, _)| name.clone());
            if let Some(name) = first.filter(|_| full_at.len() >= MOST_NAMES) {
                full_at.remove(&name);
            }
        }
        let after = full_at.get(account).copied().unwrap_or(now).max(now) + DROP;
        if after > now + DROP * FREE {
            return Err(DROP.as_secs());
        }
        full_at.insert(account.to_owned(), after);
        Ok(())
    }

    fn fill(&self, account: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

fn app(shop: Shop) -> Router {
    let buckets = Buckets::default();
    let login = move |Json(login): Json<Login>| async move {
        let account = login.user.to_lowercase();
        if let Err(seconds) = buckets.take(&account) {
            return too_many(seconds);
        }
        let Some(session) = shop.log_in(&login) else { return refused() };
        buckets.fill(&account);
        session.into_response()
    };
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|origin: &HeaderValue, _| origin == SHOP_ORIGIN))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .allow_credentials(true);
    // A builder reads from the outside in: CORS sees a request first, then the guard.
    let guarded = ServiceBuilder::new().layer(cors.clone()).layer(from_fn(guard));
    let profile = Router::new().route("/profile", get(profile)).layer(guarded);
    Router::new().route("/login", post(login)).layer(cors).merge(profile)
}
