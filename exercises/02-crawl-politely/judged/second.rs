//! A task for each call, begun when there is a place for it.
//!
//! The place is taken *before* the task is spawned, so there are never more than eight tasks, however many pages there are.
//! It fits where the work behind each page also computes: the tasks may run on several workers.

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use backpressure::{CAPACITY, Crawled, Site, tally};
use tokio::{sync::Semaphore, task::JoinSet};

fn app(site: Site) -> Router {
    Router::new().route("/crawl", post(crawl)).with_state((site, Arc::new(Semaphore::new(CAPACITY))))
}

async fn crawl(State((site, places)): State<(Site, Arc<Semaphore>)>) -> Result<Json<Crawled>, StatusCode> {
    // Dropped with this handler, and all its tasks with it.
    let mut calls = JoinSet::new();
    for page in site.pages() {
        let place = Arc::clone(&places).acquire_owned().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let site = site.clone();
        calls.spawn(async move {
            let _place = place;
            site.fetch(page).await
        });
    }
    Ok(Json(tally(calls.join_all().await)))
}
