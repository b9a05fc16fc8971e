//! mistake: a global table with a row for each house. The evening before is still in it, and so is the other one.
//! fails: two_evenings_at_one_house_share_no_seats

#[path = "../checks.rs"]
mod checks;

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
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

#[derive(Clone, Debug, Default)]
struct Sold(Arc<AtomicU32>);

static HOUSES: LazyLock<Mutex<HashMap<&str, Sold>>> = LazyLock::new(Mutex::default);

#[derive(Clone, Debug, FromRef)]
struct BoxOffice {
    venue: Venue,
    sold: Sold,
}

fn app(venue: Venue) -> Router {
    let mut houses = HOUSES.lock().unwrap_or_else(PoisonError::into_inner);
    let count = houses.entry(venue.name).or_default().clone();
    Router::new()
        .route("/tickets", post(sell).get(sold))
        .route("/report", get(report))
        .with_state(BoxOffice { venue, sold: count })
}

async fn sell(
    State(venue): State<Venue>,
    State(Sold(sold)): State<Sold>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
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
