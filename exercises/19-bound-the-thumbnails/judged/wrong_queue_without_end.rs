//! mistake: two threads compute and everybody else waits, however many there are and however long it takes.
//! fails: a_full_queue_is_told_as_503

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

fn app(photos: Photos) -> Router {
    let cores = Arc::new(Semaphore::new(CORES));
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state((photos, cores))
}

async fn thumbnail(
    State((photos, cores)): State<(Photos, Arc<Semaphore>)>,
    Path(number): Path<u64>,
) -> Result<String, StatusCode> {
    let core = cores.acquire_owned().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let made = tokio::task::spawn_blocking(move || {
        let _core = core;
        photos.open(number).thumbnail_blocking()
    });
    made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
