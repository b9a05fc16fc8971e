//! No state type at all: each handler is a closure that holds the box office.
//!
//! Plain Rust, and the compiler asks for it as strictly. It costs a clone for each route, and the handlers cannot live in
//! another module without a function that makes them; from the third route on `State` reads better.

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex, PoisonError};

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

struct BoxOffice {
    venue: Venue,
    sold: Mutex<u32>,
}

impl BoxOffice {
    fn sell(&self) -> Result<(StatusCode, Json<Value>), StatusCode> {
        // Held for a comparison and an addition, and never across an await.
        let mut sold = self.sold.lock().unwrap_or_else(PoisonError::into_inner);
        if *sold == self.venue.seats {
            return Err(StatusCode::CONFLICT);
        }
        *sold += 1;
        Ok((StatusCode::CREATED, Json(json!({ "venue": self.venue.name, "seat": *sold }))))
    }

    fn sold(&self) -> u32 {
        *self.sold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> Json<Value> {
        Json(json!({ "venue": self.venue.name, "sold": self.sold() }))
    }

    fn report(&self) -> Json<Value> {
        let sold = self.sold();
        Json(json!({ "sold": sold, "left": self.venue.seats - sold }))
    }
}

fn app(venue: Venue) -> Router {
    let office = Arc::new(BoxOffice { venue, sold: Mutex::new(0) });
    let (for_sale, for_count, for_report) = (Arc::clone(&office), Arc::clone(&office), office);
    Router::new()
        .route(
            "/tickets",
            post(move || async move { for_sale.sell() }).get(move || async move { for_count.count() }),
        )
        .route("/report", get(move || async move { for_report.report() }))
}
