//! The reference API on the study site: the same routes as `cargo api` serves, with a database file of the reader's own.

use std::{future, path::Path, pin::Pin};

use axum::Router;
use reference_api::{AppState, Settings, StartError};

/// The reference API, to be served.
pub struct ReferenceApi {
    /// Its routes.
    pub routes: Router,
    /// What is left to be done after its answers, such as sending mails: works as long as it is polled.
    pub jobs: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// The reference API, with its database and its outbox in that folder. They are those that `cargo api` uses by default.
///
/// # Errors
/// If the database or the key file beside it cannot be used.
pub async fn reference_api(local: &Path) -> Result<ReferenceApi, StartError> {
    let database_url = format!("sqlite:{}", escaped(&local.join("reference-api.sqlite")));
    let settings = Settings {
        database_url: database_url.into(),
        mail_outbox: local.join("outbox"),
        ..Settings::default()
    };
    let state = AppState::connect(settings).await?;
    let jobs = Box::pin(reference_api::jobs::work(state.clone(), future::pending()));
    Ok(ReferenceApi { routes: reference_api::routes(state), jobs })
}

/// The path, with the characters that mean something in a database address written so that they do not.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
