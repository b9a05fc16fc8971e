//! A stream of fetches, eight of which are polled at once, and a place at the site for each call of any crawl.

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use backpressure::{CAPACITY, Crawled, Site, tally};
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

fn app(site: Site) -> Router {
    // One count for the whole service: the site does not know which crawl a call belongs to.
    let places = Arc::new(Semaphore::new(CAPACITY));
    Router::new().route("/crawl", post(crawl)).with_state((site, places))
}

async fn crawl(State((site, places)): State<(Site, Arc<Semaphore>)>) -> Json<Crawled> {
    let fetch = async |page| {
        // Given back when it goes out of scope, also when the client is gone and this future is dropped. Nobody closes
        // the semaphore, so there is a place in the end.
        let _place = places.acquire().await;
        site.fetch(page).await
    };
    // A new fetch begins as soon as one ends: a slow page costs one place, not eight.
    let fetched: Vec<_> = stream::iter(site.pages()).map(fetch).buffer_unordered(CAPACITY).collect().await;
    Json(tally(fetched))
}
