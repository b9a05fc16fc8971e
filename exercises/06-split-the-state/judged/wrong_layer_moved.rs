//! mistake: the layer moves below the report, so the report answers; what the houses share they go on sharing.
//! fails: two_houses_share_neither_seats_nor_name, two_evenings_at_one_house_share_no_seats

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

struct Statistics {
    seats: u32,
}

fn app(venue: Venue) -> Router {
    let statistics = Arc::new(Statistics { seats: venue.seats });
    VENUE.get_or_init(|| venue);
    Router::new()
        .route("/tickets", post(sell).get(sold))
        .route("/report", get(report))
        .layer(Extension(statistics))
}

async fn sell() -> Result<(StatusCode, Json<Value>), StatusCode> {
    let venue = VENUE.get().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let next = |sold| (sold < venue.seats).then_some(sold + 1);
    let before = SOLD.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    let before = before.map_err(|_| StatusCode::CONFLICT)?;
    Ok((StatusCode::CREATED, Json(json!({ "venue": venue.name, "seat": before + 1 }))))
}

async fn sold() -> Json<Value> {
    let venue = VENUE.get().map_or("", |venue| venue.name);
    Json(json!({ "venue": venue, "sold": SOLD.load(Ordering::SeqCst) }))
}

async fn report(Extension(statistics): Extension<Arc<Statistics>>) -> Json<Value> {
    let sold = SOLD.load(Ordering::SeqCst);
    Json(json!({ "sold": sold, "left": statistics.seats.saturating_sub(sold) }))
}
