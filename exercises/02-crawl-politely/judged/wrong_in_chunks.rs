//! mistake: eight are fetched, all eight are waited for, then the next eight. One slow page leaves seven places empty.
//! fails: a_slow_page_holds_up_nobody_else

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
    let fetch = async |page| {
        let _place = places.acquire().await;
        site.fetch(page).await
    };
    let mut fetched = Vec::new();
    for chunk in site.pages().chunks(CAPACITY) {
        fetched.extend(join_all(chunk.iter().map(|page| fetch(*page))).await);
    }
    Json(tally(fetched))
}
