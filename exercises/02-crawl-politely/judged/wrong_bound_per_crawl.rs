//! mistake: each crawl counts to eight for itself, and the site counts all of them together.
//! fails: two_crawls_share_the_eight_places

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, routing::post};
use backpressure::{CAPACITY, Crawled, Site, tally};
use futures_util::{StreamExt, stream};

fn app(site: Site) -> Router {
    Router::new().route("/crawl", post(crawl)).with_state(site)
}

async fn crawl(State(site): State<Site>) -> Json<Crawled> {
    let fetched = stream::iter(site.pages()).map(|page| site.fetch(page)).buffer_unordered(CAPACITY);
    Json(tally(fetched.collect::<Vec<_>>().await))
}
