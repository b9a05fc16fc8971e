//! mistake: each start clears the globals, which makes the tests green that start one service at a time.
//! fails: two_houses_share_neither_seats_nor_name, two_evenings_at_one_house_share_no_seats

#[path = "../checks.rs"]
mod checks;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU32, Ordering},
};

use axum::{
    Extension, Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

/// A house and the number of its seats.
#[derive(Clone, Debug)]
struct Venue {
    name: &'static str,
    seats: u32,
}

static VENUE: RwLock<Option<Venue>> = RwLock::new(None);
static SOLD: AtomicU32 = AtomicU32::new(0);

struct Statistics {
    seats: u32,
}

fn app(venue: Venue) -> Router {
    let statistics = Arc::new(Statistics { seats: venue.seats });
    *VENUE.write().unwrap_or_else(PoisonError::into_inner) = Some(venue);
    SOLD.store(0, Ordering::SeqCst);
    Router::new()
        .route("/tickets", post(sell).get(sold))
        .route("/report", get(report))
        .layer(Extension(statistics))
}

fn venue() -> Option<Venue> {
    VENUE.read().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn sell() -> Result<(StatusCode, Json<Value>), StatusCode> {
    let venue = venue().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let next = |sold| (sold < venue.seats).then_some(sold + 1);
    let before = SOLD.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    let before = before.map_err(|_| StatusCode::CONFLICT)?;
    Ok((StatusCode::CREATED, Json(json!({ "venue": venue.name, "seat": before + 1 }))))
}

async fn sold() -> Json<Value> {
    let venue = venue().map_or("", |venue| venue.name);
    Json(json!({ "venue": venue, "sold": SOLD.load(Ordering::SeqCst) }))
}

async fn report(Extension(statistics): Extension<Arc<Statistics>>) -> Json<Value> {
    let sold = SOLD.load(Ordering::SeqCst);
    Json(json!({ "sold": sold, "left": statistics.seats.saturating_sub(sold) }))
}
