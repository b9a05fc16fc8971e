//! The reader's progress, in the same file that `cargo exercise` keeps.

use std::{collections::BTreeMap, path::PathBuf};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State, rejection::JsonRejection},
    http::StatusCode,
    routing::get,
};
use exercises::progress::{self, Notice, Progress, ProgressError};
use serde::{Deserialize, Serialize};

use super::{Site, problem::Problem};

/// A mark for every chapter fits many times over.
const MOST_BYTES: usize = 64 * 1024;

/// What the reader has done, and what has to be said about the file that tells it.
#[derive(Debug, Serialize)]
struct ProgressResponse {
    progress: Progress,
    /// Set once, when a damaged file was set aside: what happened, and where the file lies now.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
}

/// What a page may change. Exercises are marked by `cargo exercise` alone, which has judged them.
#[derive(Debug, Deserialize)]
struct UpdateProgress {
    chapters: BTreeMap<String, UpdateChapter>,
}

#[derive(Debug, Deserialize)]
struct UpdateChapter {
    read: bool,
}

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/progress", get(show_progress).put(update_progress))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

async fn show_progress(State(site): State<Site>) -> Result<Json<ProgressResponse>, Problem> {
    on_file(&site, |path| Progress::load(&path)).await
}

async fn update_progress(
    State(site): State<Site>,
    body: Result<Json<UpdateProgress>, JsonRejection>,
) -> Result<Json<ProgressResponse>, Problem> {
    let Json(update) = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let known = |name: &str| catalogue::LESSONS.iter().any(|lesson| lesson.folder() == name);
    if let Some(unknown) = update.chapters.keys().find(|name| !known(name)) {
        let detail =
            format!("There is no chapter `{unknown}`; chapters are named like `18-blocking-the-runtime`.");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    on_file(&site, move |path| {
        progress::update(&path, |progress| {
            for (name, UpdateChapter { read }) in update.chapters {
                progress.chapter(&name).read = read;
            }
        })
    })
    .await
}

/// Works on the progress file. It waits for a lock and for the disk, so it happens on a thread that may wait.
async fn on_file(
    site: &Site,
    work: impl FnOnce(PathBuf) -> Result<(Progress, Option<Notice>), ProgressError> + Send + 'static,
) -> Result<Json<ProgressResponse>, Problem> {
    let path = site.0.progress.clone();
    match tokio::task::spawn_blocking(move || work(path)).await {
        Ok(Ok((progress, notice))) => {
            Ok(Json(ProgressResponse { progress, notice: notice.map(|notice| notice.to_string()) }))
        }
        Ok(Err(error @ ProgressError::Newer { .. })) => {
            Err(Problem::new(StatusCode::CONFLICT, error.to_string()))
        }
        Ok(Err(error @ ProgressError::Io { .. })) => {
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
        }
        Err(_) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The progress file could not be worked on; the terminal of `cargo study` says why.",
        )),
    }
}
