//! mistake: the job is begun and the answer sent without it. It is quick, and nobody ever sees a thumbnail or a failure.
//! fails: a_thumbnail_is_the_one_that_was_asked_for, a_broken_photo_costs_only_its_request

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
) -> Result<&'static str, StatusCode> {
    let core = cores.try_acquire_owned().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    tokio::task::spawn_blocking(move || {
        let _core = core;
        photos.open(number).thumbnail_blocking()
    });
    Ok("accepted")
}
