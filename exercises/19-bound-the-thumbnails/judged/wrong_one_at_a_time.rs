//! mistake: one permit. Nothing is overrun, and half of the machine stands idle.
//! fails: two_photos_are_in_memory_and_never_more

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

#[derive(Clone)]
struct Studio {
    photos: Photos,
    places: Arc<Semaphore>,
    cores: Arc<Semaphore>,
}

fn app(photos: Photos) -> Router {
    let studio =
        Studio { photos, places: Arc::new(Semaphore::new(CORES + 8)), cores: Arc::new(Semaphore::new(1)) };
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(studio)
}

async fn thumbnail(State(studio): State<Studio>, Path(number): Path<u64>) -> Result<String, StatusCode> {
    let place = studio.places.try_acquire_owned().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let core = studio.cores.acquire_owned().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let made = tokio::task::spawn_blocking(move || {
        let _held = (place, core);
        studio.photos.open(number).thumbnail_blocking()
    });
    made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
