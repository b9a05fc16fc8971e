//! The service behind the gateway: it knows the price. The lab counts the connections that it accepts.

use axum::{Json, Router, routing::get};
use lab::Probes;

/// The price that the upstream answers, in cents.
pub const PRICE: u64 = 4_200;

/// Answers `GET /price` with the price in cents.
pub async fn upstream(probes: Probes) -> Router {
    let served = probes.counter("requests served");
    let price = move || async move {
        served.add_one();
        Json(PRICE)
    };
    Router::new().route("/price", get(price))
}
