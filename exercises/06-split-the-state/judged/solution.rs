//! The box office is a value: `app` makes it, the routes are handed parts of it, and nothing else can reach it.

#[path = "../checks.rs"]
mod checks;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{
    Json, Router,
    extract::{FromRef, State},
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

/// How many seats are sold. Clones are handles to one count: the state is cloned for each request.
#[derive(Clone, Debug, Default)]
struct Sold(Arc<AtomicU32>);

#[derive(Clone, Debug, FromRef)]
struct BoxOffice {
    venue: Venue,
    sold: Sold,
}

fn app(venue: Venue) -> Router {
    Router::new()
        .route("/tickets", post(sell).get(sold))
        .route("/report", get(report))
        .with_state(BoxOffice { venue, sold: Sold::default() })
}

async fn sell(
    State(venue): State<Venue>,
    State(Sold(sold)): State<Sold>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    // One step: two buyers who ask at once never get the same seat.
    let next = |sold| (sold < venue.seats).then_some(sold + 1);
    let before = sold.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    let before = before.map_err(|_| StatusCode::CONFLICT)?;
    Ok((StatusCode::CREATED, Json(json!({ "venue": venue.name, "seat": before + 1 }))))
}

async fn sold(State(venue): State<Venue>, State(Sold(sold)): State<Sold>) -> Json<Value> {
    Json(json!({ "venue": venue.name, "sold": sold.load(Ordering::SeqCst) }))
}

async fn report(State(venue): State<Venue>, State(Sold(sold)): State<Sold>) -> Json<Value> {
    let sold = sold.load(Ordering::SeqCst);
    Json(json!({ "sold": sold, "left": venue.seats.saturating_sub(sold) }))
}
