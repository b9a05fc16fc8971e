//! What holds: as many computing threads as cores, and a permit that lives as long as the work.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

use crate::{CORES, Photos};

/// The blocking pool, with a permit that goes along.
pub fn permit_in_the_job(photos: Photos) -> Router {
    // ANCHOR: permit_in_the_job
    async fn thumbnail(
        State((photos, cores)): State<(Photos, Arc<Semaphore>)>,
        Path(number): Path<u64>,
    ) -> Result<String, StatusCode> {
        // The waiting happens here, where it costs a small struct, and before the photo is opened.
        let permit = cores.acquire_owned().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let made = tokio::task::spawn_blocking(move || {
            // Free when the work ends, whoever has gone in the meantime, and also when it panics.
            let _permit = permit;
            photos.open(number).thumbnail_blocking()
        });
        made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    let cores = Arc::new(Semaphore::new(CORES));
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state((photos, cores))
    // ANCHOR_END: permit_in_the_job
}

/// A pool that has as many threads as it may use cores.
pub fn rayon_pool(photos: Photos) -> Router {
    // ANCHOR: rayon_pool
    async fn thumbnail(
        State((photos, pool)): State<(Photos, Arc<ThreadPool>)>,
        Path(number): Path<u64>,
    ) -> Result<String, StatusCode> {
        let (done, made) = oneshot::channel();
        // Never `pool.install` here: it would hold the worker until the work is done.
        pool.spawn(move || {
            // Nobody may be left to take it.
            let _ = done.send(photos.open(number).thumbnail_blocking());
        });
        // The sender is gone without a word: the work has panicked.
        made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state((photos, Arc::new(pool())))
    // ANCHOR_END: rayon_pool
}

// ANCHOR: pool
/// Called once, when the service starts.
#[expect(clippy::expect_used, reason = "a service that cannot start its threads must not start")]
pub(crate) fn pool() -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(CORES)
        // Without one, a panic in `spawn` ends the process.
        .panic_handler(|_| ())
        .build()
        .expect("the system has a thread for each core")
}
// ANCHOR_END: pool
