//! Opens the folder of an exercise in the reader's file manager.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use exercises::Kit;
use serde::Serialize;

use super::{Site, problem::Problem};

/// Where the exercise lies. The page shows it where no file manager opens, such as over SSH.
#[derive(Debug, Serialize)]
struct Folder {
    folder: String,
    opened: bool,
}

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/exercise/{number}/open", post(open_folder))
}

/// The number only picks from the kit's own exercises: no path comes from the request.
async fn open_folder(State(site): State<Site>, Path(number): Path<String>) -> Result<Json<Folder>, Problem> {
    let looked_up = tokio::task::spawn_blocking(move || {
        let exercise = Kit::find()?.exercise(&number)?;
        let opened = (site.0.open)(&exercise.folder).is_ok();
        Ok::<_, exercises::KitError>(Folder { folder: exercise.folder.display().to_string(), opened })
    });
    match looked_up.await {
        Ok(Ok(folder)) => Ok(Json(folder)),
        Ok(Err(error)) => Err(Problem::new(StatusCode::NOT_FOUND, error.to_string())),
        Err(_) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The folder could not be opened; the terminal of `cargo study` says why.",
        )),
    }
}
