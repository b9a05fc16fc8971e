//! The box office, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use std::sync::{
    Arc, OnceLock,
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

static VENUE: OnceLock<Venue> = OnceLock::new();
static SOLD: AtomicU32 = AtomicU32::new(0);

/// What the report reads. The tickets do not need it.
struct Statistics {
    seats: u32,
}

/// One box office. The checks build it through this function: keep its name, its parameter and its type.
fn app(venue: Venue) -> Router {
    let statistics = Arc::new(Statistics { seats: venue.seats });
    VENUE.get_or_init(|| venue);
    Router::new()
        .route("/tickets", post(sell).get(sold))
        .layer(Extension(statistics))
        .route("/report", get(report))
}

/// Sells the next seat.
async fn sell() -> Result<(StatusCode, Json<Value>), StatusCode> {
    let venue = VENUE.get().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let next = |sold| (sold < venue.seats).then_some(sold + 1);
    let before = SOLD.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    let before = before.map_err(|_| StatusCode::CONFLICT)?;
    Ok((StatusCode::CREATED, Json(json!({ "venue": venue.name, "seat": before + 1 }))))
}

/// How many seats are sold.
async fn sold() -> Json<Value> {
    let venue = VENUE.get().map_or("", |venue| venue.name);
    Json(json!({ "venue": venue, "sold": SOLD.load(Ordering::SeqCst) }))
}

/// How many seats are sold, and how many are left.
async fn report(Extension(statistics): Extension<Arc<Statistics>>) -> Json<Value> {
    let sold = SOLD.load(Ordering::SeqCst);
    Json(json!({ "sold": sold, "left": statistics.seats.saturating_sub(sold) }))
}
