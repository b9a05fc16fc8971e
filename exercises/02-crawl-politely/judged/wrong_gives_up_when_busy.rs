//! mistake: who finds no place gives up. That is right for a request that somebody waits for, and here it drops the work.
//! fails: a_crawl_fetches_every_page_once_and_says_so, two_crawls_share_the_eight_places, a_slow_page_holds_up_nobody_else, a_broken_page_is_counted_and_the_rest_is_fetched, a_crawl_that_is_dropped_ends_and_gives_its_places_back

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use backpressure::{CAPACITY, Crawled, Failed, Site, tally};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

fn app(site: Site) -> Router {
    Router::new().route("/crawl", post(crawl)).with_state((site, Arc::new(Semaphore::new(CAPACITY))))
}

async fn crawl(State((site, places)): State<(Site, Arc<Semaphore>)>) -> Json<Crawled> {
    let fetch = async |page| {
        let _place = places.try_acquire().map_err(|_| Failed(page))?;
        site.fetch(page).await
    };
    Json(tally(join_all(site.pages().into_iter().map(fetch)).await))
}
