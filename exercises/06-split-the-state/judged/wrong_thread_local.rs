//! mistake: a thread-local is a global with fewer readers: both houses are served by the same thread.
//! fails: two_houses_share_neither_seats_nor_name, two_evenings_at_one_house_share_no_seats

#[path = "../checks.rs"]
mod checks;

use std::cell::RefCell;

use axum::{
    Json, Router,
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

thread_local! {
    static OFFICE: RefCell<(&'static str, u32, u32)> = const { RefCell::new(("", 0, 0)) };
}

fn app(venue: Venue) -> Router {
    OFFICE.set((venue.name, venue.seats, 0));
    Router::new().route("/tickets", post(sell).get(sold)).route("/report", get(report))
}

async fn sell() -> Result<(StatusCode, Json<Value>), StatusCode> {
    OFFICE.with_borrow_mut(|(venue, seats, sold)| {
        if sold == seats {
            return Err(StatusCode::CONFLICT);
        }
        *sold += 1;
        Ok((StatusCode::CREATED, Json(json!({ "venue": venue, "seat": sold }))))
    })
}

async fn sold() -> Json<Value> {
    OFFICE.with_borrow(|(venue, _, sold)| Json(json!({ "venue": venue, "sold": sold })))
}

async fn report() -> Json<Value> {
    OFFICE.with_borrow(|(_, seats, sold)| Json(json!({ "sold": sold, "left": seats - sold })))
}
