//! mistake: the state is cloned for each request, and with it the count: every guest gets seat 1.
//! fails: a_box_office_sells_its_seats_in_order_until_none_is_left, the_report_says_what_the_tickets_say, two_houses_share_neither_seats_nor_name, two_evenings_at_one_house_share_no_seats

#[path = "../checks.rs"]
mod checks;

use std::sync::atomic::{AtomicU32, Ordering};

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

#[derive(Debug, Default)]
struct Sold(AtomicU32);

impl Clone for Sold {
    fn clone(&self) -> Self {
        Self(AtomicU32::new(self.0.load(Ordering::SeqCst)))
    }
}

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
