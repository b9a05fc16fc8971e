//! `Extension` stays, with everything in it, and its layer is the last thing that `app` does.
//!
//! It holds today. The next route that somebody adds below the layer compiles and answers 500, and so does a handler that
//! asks for `Extension<BoxOffice>` without the `Arc`: the type is looked up when the request comes.

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
    Router::new()
        .route("/tickets", post(sell).get(sold))
        .route("/report", get(report))
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

async fn report(Extension(office): Extension<Arc<BoxOffice>>) -> Json<Value> {
    let sold = office.sold.load(Ordering::SeqCst);
    Json(json!({ "sold": sold, "left": office.venue.seats.saturating_sub(sold) }))
}
