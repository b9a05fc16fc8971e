//! The reference API on the study site: the same routes as `cargo api` serves, with a database file of the reader's own.

use std::path::Path;

use axum::Router;
use reference_api::{AppState, Settings, StartError};

/// The routes of the reference API, with its database in that folder. It is the file that `cargo api` uses by default.
///
/// # Errors
/// If the database or the key file beside it cannot be used.
pub async fn reference_api(local: &Path) -> Result<Router, StartError> {
    let database_url = format!("sqlite:{}", escaped(&local.join("reference-api.sqlite")));
    let state =
        AppState::connect(Settings { database_url: database_url.into(), ..Settings::default() }).await?;
    Ok(reference_api::routes(state))
}

/// The path, with the characters that mean something in a database address written so that they do not.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
