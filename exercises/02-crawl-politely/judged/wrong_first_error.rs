//! mistake: the first page that fails ends the crawl, and what the others would have brought is lost.
//! fails: a_broken_page_is_counted_and_the_rest_is_fetched

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use backpressure::{CAPACITY, Crawled, Site};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

fn app(site: Site) -> Router {
    Router::new().route("/crawl", post(crawl)).with_state((site, Arc::new(Semaphore::new(CAPACITY))))
}

async fn crawl(State((site, places)): State<(Site, Arc<Semaphore>)>) -> Result<Json<Crawled>, StatusCode> {
    let fetch = async |page| {
        let _place = places.acquire().await;
        site.fetch(page).await
    };
    let fetched: Result<Vec<()>, _> =
        stream::iter(site.pages()).map(fetch).buffer_unordered(CAPACITY).try_collect().await;
    let fetched = fetched.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(Json(Crawled { fetched: fetched.len() as u64, failed: 0 }))
}
