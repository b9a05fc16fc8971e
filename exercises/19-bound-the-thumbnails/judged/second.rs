//! An actor: threads of its own, one for each core, behind a queue with an end.
//!
//! This is also how a library is wrapped that is neither `Send` nor quick to set up: each thread makes its own and keeps
//! it. The price is what a pool would do by itself: a panic has to be caught, or the thread is gone, and then the other.

#[path = "../checks.rs"]
mod checks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use cpu_work::{CORES, Photos};
use tokio::sync::{mpsc, oneshot};

struct Job {
    number: u64,
    done: oneshot::Sender<String>,
}

fn app(photos: Photos) -> Router {
    // Ten wait here; those that compute have been taken out.
    let (queue, jobs) = mpsc::channel(10);
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..CORES {
        let (photos, jobs) = (photos.clone(), Arc::clone(&jobs));
        // They end when the last sender is dropped, which is in the router.
        std::thread::spawn(move || {
            while let Some(job) = next(&jobs) {
                work(&photos, job)
            }
        });
    }
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(queue)
}

fn next(jobs: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    // Held while this thread waits: whoever has the lock takes the next job, the others queue for the lock.
    jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}

fn work(photos: &Photos, Job { number, done }: Job) {
    // The client may have gone while its job was waiting.
    if done.is_closed() {
        return;
    }
    // The photo is opened inside, so nothing half done is left outside when it panics.
    if let Ok(made) = catch_unwind(AssertUnwindSafe(|| photos.open(number).thumbnail_blocking())) {
        let _ = done.send(made);
    }
}

async fn thumbnail(
    State(queue): State<mpsc::Sender<Job>>,
    Path(number): Path<u64>,
) -> Result<String, StatusCode> {
    let (done, made) = oneshot::channel();
    // `try_send`: a full queue is an answer.
    queue.try_send(Job { number, done }).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
