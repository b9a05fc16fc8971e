//! The thumbnail service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use cpu_work::Photos;

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(photos: Photos) -> Router {
    Router::new().route("/thumbnails/{number}", get(thumbnail)).with_state(photos)
}

/// A small picture of a large one.
async fn thumbnail(State(photos): State<Photos>, Path(number): Path<u64>) -> String {
    photos.open(number).thumbnail_blocking()
}
