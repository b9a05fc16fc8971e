//! mistake: the permits are held by the handler, which a client can drop. The thread that computes cannot be dropped.
//! fails: jobs_of_clients_that_have_gone_still_count

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
    let studio = Studio {
        photos,
        places: Arc::new(Semaphore::new(CORES + 8)),
        cores: Arc::new(Semaphore::new(CORES)),
    };
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(studio)
}

async fn thumbnail(State(studio): State<Studio>, Path(number): Path<u64>) -> Result<String, StatusCode> {
    let _place = studio.places.try_acquire().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let _core = studio.cores.acquire().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let photo = studio.photos.open(number);
    let made = tokio::task::spawn_blocking(move || photo.thumbnail_blocking());
    made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
