//! A place inside or a refusal; then a permit for a core; both go along into the blocking pool.

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use cpu_work::{CORES, Photos};
use tokio::sync::Semaphore;

/// How many requests may be inside, those that compute included.
const INSIDE: usize = CORES + 8;

#[derive(Clone)]
struct Studio {
    photos: Photos,
    places: Arc<Semaphore>,
    cores: Arc<Semaphore>,
}

fn app(photos: Photos) -> Router {
    let studio =
        Studio { photos, places: Arc::new(Semaphore::new(INSIDE)), cores: Arc::new(Semaphore::new(CORES)) };
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(studio)
}

async fn thumbnail(State(studio): State<Studio>, Path(number): Path<u64>) -> Result<String, StatusCode> {
    // The end of the queue: who would wait too long hears so now.
    let place = studio.places.try_acquire_owned().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    // Waiting suspends this task: no thread and no photo yet.
    let core = studio.cores.acquire_owned().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let made = tokio::task::spawn_blocking(move || {
        // Free when the work ends, and not when the client goes. Also after a panic: destructors run.
        let _held = (place, core);
        studio.photos.open(number).thumbnail_blocking()
    });
    // An error is a panic in the decoder. It costs this request.
    made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
