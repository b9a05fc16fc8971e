//! mistake: the blocking pool is taken for the bound. It starts a thread for each photo, up to 512.
//! fails: two_photos_are_in_memory_and_never_more, jobs_of_clients_that_have_gone_still_count, a_full_queue_is_told_as_503

#[path = "../checks.rs"]
mod checks;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use cpu_work::Photos;

fn app(photos: Photos) -> Router {
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(photos)
}

async fn thumbnail(State(photos): State<Photos>, Path(number): Path<u64>) -> Result<String, StatusCode> {
    let photo = photos.open(number);
    let made = tokio::task::spawn_blocking(move || photo.thumbnail_blocking());
    made.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
