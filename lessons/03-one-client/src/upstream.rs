//! The service behind the gateway: it knows the price and has a page on the product. The lab counts its connections.

use axum::{Json, Router, routing::get};
use lab::Probes;

use crate::PAGE_KB;

/// The price that the upstream answers, in cents.
pub const PRICE: u64 = 4_200;

/// Answers `GET /price` with the price in cents, and `GET /product` with a page as long as the control says.
pub async fn upstream(probes: Probes) -> Router {
    let served = probes.counter("requests served");
    let page_kb = probes.control(PAGE_KB.name).and_then(|kb| usize::try_from(kb).ok()).unwrap_or_default();
    let page = "x".repeat(page_kb * 1_000);
    let priced = served.clone();
    let price = move || async move {
        priced.add_one();
        Json(PRICE)
    };
    let product = move || async move {
        served.add_one();
        page
    };
    Router::new().route("/price", get(price)).route("/product", get(product))
}
