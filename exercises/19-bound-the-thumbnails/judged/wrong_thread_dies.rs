//! mistake: threads of its own, and nobody catches a panic. Each broken photo ends one of them, the second one the service.
//! fails: a_broken_photo_costs_only_its_request

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use cpu_work::{CORES, Photos};
use tokio::sync::{mpsc, oneshot};

type Job = (u64, oneshot::Sender<String>);

fn app(photos: Photos) -> Router {
    let (queue, jobs) = mpsc::channel::<Job>(10);
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..CORES {
        let (photos, jobs) = (photos.clone(), Arc::clone(&jobs));
        std::thread::spawn(move || {
            loop {
                let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                let Some((number, done)) = job else { return };
                let _ = done.send(photos.open(number).thumbnail_blocking());
            }
        });
    }
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(queue)
}

async fn thumbnail(
    State(queue): State<mpsc::Sender<Job>>,
    Path(number): Path<u64>,
) -> Result<String, StatusCode> {
    let (done, made) = oneshot::channel();
    queue.try_send((number, done)).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
