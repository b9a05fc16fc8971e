//! What people write once they know that a handler must not block. One photo at a time, all of it is right.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use tokio::sync::Semaphore;

use crate::{CORES, Photos};

/// A handler that moves the work off the worker.
pub fn blocking_pool(photos: Photos) -> Router {
    // ANCHOR: blocking_pool
    async fn thumbnail(State(photos): State<Photos>, Path(number): Path<u64>) -> Result<String, StatusCode> {
        let photo = photos.open(number);
        // The worker is free. But the pool is made for threads that wait: it starts one for each call, up to 512, and
        // here each of them computes, with its photo in memory.
        let made = tokio::task::spawn_blocking(move || photo.thumbnail_blocking());
        made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(photos)
    // ANCHOR_END: blocking_pool
}

/// The same handler with a permit in front.
pub fn permit_in_the_handler(photos: Photos) -> Router {
    // ANCHOR: permit_in_the_handler
    async fn thumbnail(
        State((photos, cores)): State<(Photos, Arc<Semaphore>)>,
        Path(number): Path<u64>,
    ) -> Result<String, StatusCode> {
        // Held by this future. When the client is gone the future is dropped and the permit is free again, while the
        // thread computes on.
        let _permit = cores.acquire().await;
        let photo = photos.open(number);
        let made = tokio::task::spawn_blocking(move || photo.thumbnail_blocking());
        made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    let cores = Arc::new(Semaphore::new(CORES));
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state((photos, cores))
    // ANCHOR_END: permit_in_the_handler
}
