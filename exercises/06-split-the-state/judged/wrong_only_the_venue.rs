//! mistake: the venue is handed in, the count stays behind in a `static`.
//! fails: two_houses_share_neither_seats_nor_name, two_evenings_at_one_house_share_no_seats

#[path = "../checks.rs"]
mod checks;

use std::sync::atomic::{AtomicU32, Ordering};

use axum::{
    Json, Router,
    extract::State,
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

static SOLD: AtomicU32 = AtomicU32::new(0);

fn app(venue: Venue) -> Router {
    Router::new().route("/tickets", post(sell).get(sold)).route("/report", get(report)).with_state(venue)
}

async fn sell(State(venue): State<Venue>) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let next = |sold| (sold < venue.seats).then_some(sold + 1);
    let before = SOLD.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    let before = before.map_err(|_| StatusCode::CONFLICT)?;
    Ok((StatusCode::CREATED, Json(json!({ "venue": venue.name, "seat": before + 1 }))))
}

async fn sold(State(venue): State<Venue>) -> Json<Value> {
    Json(json!({ "venue": venue.name, "sold": SOLD.load(Ordering::SeqCst) }))
}

async fn report(State(venue): State<Venue>) -> Json<Value> {
    let sold = SOLD.load(Ordering::SeqCst);
    Json(json!({ "sold": sold, "left": venue.seats.saturating_sub(sold) }))
}
