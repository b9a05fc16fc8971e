//! mistake: every page has a task that nobody owns. When the client is gone they go on, and hold the places.
//! fails: a_crawl_that_is_dropped_ends_and_gives_its_places_back

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use backpressure::{CAPACITY, Crawled, Site, tally};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

fn app(site: Site) -> Router {
    Router::new().route("/crawl", post(crawl)).with_state((site, Arc::new(Semaphore::new(CAPACITY))))
}

async fn crawl(State((site, places)): State<(Site, Arc<Semaphore>)>) -> Json<Crawled> {
    let calls = site.pages().into_iter().map(|page| {
        let (site, places) = (site.clone(), Arc::clone(&places));
        tokio::spawn(async move {
            let _place = places.acquire().await;
            site.fetch(page).await
        })
    });
    Json(tally(join_all(calls).await.into_iter().flatten()))
}
