//! Work that is done after the answer: mails and webhooks, in a queue that survives a crash.
//!
//! A job is a row, written in the transaction of the request that wants it: either both are there or neither is. A worker takes
//! it, does it, and deletes it. If the worker dies in between, the row is still there and is taken again when its lease is over,
//! so a job is done **at least once**. That its effect happens once is up to the effect: a mail has the job's id as its name, a
//! webhook carries it in a header, and what a job changes in the database it changes in one statement.
//!
//! # Why not a queue crate
//!
//! apalis 1.0 has both engines. Its SQLite back end sets `synchronous = OFF` on the connection that it is handed, its migrations
//! share the table of ours, so that a newer schema could not be told from its own, its PostgreSQL back end needs the extension
//! `hstore`, and a failed job is due again at once: the pause between two attempts is kept in memory. The part that we need is
//! one table and three statements that run on both engines.

mod admin;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;

use axum::middleware::from_extractor_with_state;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Notify;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

#[cfg(test)]
pub(crate) use worker::run_due;
pub use worker::work;

use crate::{
    auth::Admin,
    clock::new_id,
    db::Executor,
    error::{ApiError, Cause},
    state::AppState,
    webhooks::Event,
};

/// After so many attempts a job is parked: it waits for an administrator and holds up nobody.
const MOST_ATTEMPTS: u32 = 5;

/// The other side will not have it, today or tomorrow: the job is parked at once, and an administrator sees it sooner.
#[derive(Debug, Error)]
#[error("refused for good")]
pub(crate) struct Refused(#[source] pub(crate) Cause);

/// How long a job is its worker's own. Whoever has not finished it by then is taken for dead.
const LEASE_MILLIS: i64 = 60_000;

/// How long one attempt may take: well below the lease, so that no two workers do the same at the same moment.
const LONGEST_ATTEMPT: std::time::Duration = std::time::Duration::from_secs(30);

/// The routes for administrators.
pub(crate) fn router(state: &AppState) -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(admin::list_jobs))
        .routes(routes!(admin::retry_job))
        .route_layer(from_extractor_with_state::<Admin, _>(state.clone()))
}

/// What is to be done. It names things by their identifier: what a mail says is read when it is sent.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Job {
    /// Greets a new user.
    WelcomeMail {
        /// Whom.
        user: Uuid,
    },
    /// Tells somebody else's server about a change.
    Webhook {
        /// Which of the registered ones.
        webhook: Uuid,
        /// What has changed.
        event: Event,
    },
}

impl Job {
    /// Its name, as in the payload.
    fn kind(&self) -> &'static str {
        match self {
            Self::WelcomeMail { .. } => "welcome_mail",
            Self::Webhook { .. } => "webhook",
        }
    }

    /// Does it. Called again with the same `id` if it is not known whether it was done.
    async fn run(&self, state: &AppState, id: Uuid) -> Result<(), Cause> {
        match self {
            Self::WelcomeMail { user } => crate::mail::welcome(state, id, *user).await,
            Self::Webhook { webhook, event } => crate::webhooks::deliver(state, id, *webhook, event).await,
        }
    }
}

// ANCHOR: enqueue_in_the_transaction
/// Keeps a job. Handed a transaction, the job becomes true together with what it is about: no mail for an account that was
/// rolled back, no account without its mail.
pub(crate) async fn push(state: &AppState, db: impl Executor<'_>, job: &Job) -> Result<(), ApiError> {
    let now = millis(state);
    db.query("INSERT INTO jobs (id, payload, created_at, run_at) VALUES ($1, $2, $3, $3)")
        .bind(new_id(&*state.clock, &*state.random))
        .bind(serde_json::to_string(job).map_err(ApiError::internal)?)
        .bind(now)
        .execute()
        .await?;
    // A worker that looks before the commit finds nothing and looks again within a second.
    state.jobs.wake();
    Ok(())
}
// ANCHOR_END: enqueue_in_the_transaction

/// Wakes the workers of this process.
#[derive(Default)]
pub(crate) struct Jobs {
    pushed: Notify,
}

impl Jobs {
    /// There may be something to do.
    pub(crate) fn wake(&self) {
        self.pushed.notify_one();
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jobs")
    }
}

/// Milliseconds since 1970: what the table compares.
fn millis(state: &AppState) -> i64 {
    i64::try_from(state.clock.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
