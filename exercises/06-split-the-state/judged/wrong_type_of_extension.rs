//! mistake: an `Arc` is put in and the bare type is asked for. It compiles, and the report answers 500.
//! fails: the_report_says_what_the_tickets_say, two_houses_share_neither_seats_nor_name, two_evenings_at_one_house_share_no_seats

#[path = "../checks.rs"]
mod checks;

use std::sync::{
    Arc,
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

struct BoxOffice {
    venue: Venue,
    sold: AtomicU32,
}

fn app(venue: Venue) -> Router {
    let seats = Arc::new(Seats(venue.seats));
    Router::new()
        .route("/tickets", post(sell).get(sold))
        .route("/report", get(report))
        .layer(Extension(seats))
        .layer(Extension(Arc::new(BoxOffice { venue, sold: AtomicU32::new(0) })))
}

async fn sell(Extension(office): Extension<Arc<BoxOffice>>) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let BoxOffice { venue, sold } = &*office;
    let next = |sold| (sold < venue.seats).then_some(sold + 1);
    let before = sold.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    let before = before.map_err(|_| StatusCode::CONFLICT)?;
    Ok((StatusCode::CREATED, Json(json!({ "venue": venue.name, "seat": before + 1 }))))
}

async fn sold(Extension(office): Extension<Arc<BoxOffice>>) -> Json<Value> {
    Json(json!({ "venue": office.venue.name, "sold": office.sold.load(Ordering::SeqCst) }))
}

#[derive(Clone, Debug)]
struct Seats(u32);

async fn report(
    Extension(office): Extension<Arc<BoxOffice>>,
    Extension(Seats(seats)): Extension<Seats>,
) -> Json<Value> {
    let sold = office.sold.load(Ordering::SeqCst);
    Json(json!({ "sold": sold, "left": seats.saturating_sub(sold) }))
}
