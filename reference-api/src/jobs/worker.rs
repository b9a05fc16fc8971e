//! The workers: they take a job, do it, and say so.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{Job, LEASE_MILLIS, LONGEST_ATTEMPT, MOST_ATTEMPTS, Refused, millis};
use crate::{
    db::Executor,
    error::{Cause, causes},
    state::AppState,
};

/// How long a worker without work waits before it looks again: for jobs of other replicas, and for those whose time comes.
const PAUSE: Duration = Duration::from_secs(1);

/// How long jobs that are begun may take to end after the signal to stop, as requests may.
const GRACE: Duration = Duration::from_secs(10);

/// Works on jobs until `stop` completes, then finishes those that are begun, within the grace period. One that is cut is done
/// again when its lease is over, by whoever is there.
pub async fn work(state: AppState, stop: impl Future<Output = ()>) {
    let (workers, stopping) = (TaskTracker::new(), CancellationToken::new());
    for _ in 0..state.settings.job_workers {
        workers.spawn(lane(state.clone(), stopping.clone()));
    }
    stop.await;
    stopping.cancel();
    workers.close();
    if tokio::time::timeout(GRACE, workers.wait()).await.is_err() {
        tracing::warn!("the grace period is over; a job is cut, and will be done again");
    }
}

async fn lane(state: AppState, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        match run_one(&state).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::select! {
                    () = state.jobs.pushed.notified() => (),
                    () = tokio::time::sleep(PAUSE) => (),
                    () = stopping.cancelled() => (),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read");
                tokio::select! {
                    () = tokio::time::sleep(5 * PAUSE) => (),
                    () = stopping.cancelled() => (),
                }
            }
        }
    }
}

/// Does all that is due and says how much that was: for tests, which have no workers.
#[cfg(test)]
pub(crate) async fn run_due(state: &AppState) -> Result<u32, sqlx::Error> {
    let mut done = 0;
    while run_one(state).await? {
        done += 1;
    }
    Ok(done)
}

#[derive(sqlx::FromRow)]
struct TakenRow {
    id: Uuid,
    payload: String,
    attempts: i64,
}

// ANCHOR: take_a_job
/// Takes the job that is due longest. Its lease is written in the same statement, so no other worker, here or in another
/// process, can take it as well. The condition stands twice because PostgreSQL looks again at the outer one after waiting for
/// somebody who took the same row.
async fn take(state: &AppState) -> Result<Option<TakenRow>, sqlx::Error> {
    let now = millis(state);
    state
        .db
        .query(
            "UPDATE jobs SET run_at = $2, attempts = attempts + 1
             WHERE id = (SELECT id FROM jobs WHERE parked_at IS NULL AND run_at <= $1 ORDER BY run_at, id LIMIT 1)
               AND parked_at IS NULL AND run_at <= $1
             RETURNING id, payload, attempts",
        )
        .bind(now)
        .bind(now + LEASE_MILLIS)
        .fetch_optional()
        .await
}
// ANCHOR_END: take_a_job

/// Does one job, if one is due.
async fn run_one(state: &AppState) -> Result<bool, sqlx::Error> {
    let Some(taken) = take(state).await? else { return Ok(false) };
    let TakenRow { id, payload, attempts } = taken;
    let outcome = match serde_json::from_str::<Job>(&payload) {
        Ok(job) => {
            let outcome = attempt(state, id, job).await;
            state.metrics.job(outcome.is_ok());
            outcome
        }
        // Written by a newer version, perhaps: kept, and parked in the end.
        Err(error) => Err(error.into()),
    };
    match outcome {
        // The number of the attempt is part of the condition: whoever comes back after the lease must not delete what another
        // worker has begun.
        Ok(()) => {
            let done = state.db.query("DELETE FROM jobs WHERE id = $1 AND attempts = $2");
            done.bind(id).bind(attempts).execute().await?;
        }
        Err(error) => failed(state, id, attempts, error).await?,
    }
    Ok(true)
}

/// In a task of its own: a panic costs this attempt, and not the worker.
async fn attempt(state: &AppState, id: Uuid, job: Job) -> Result<(), Cause> {
    let state = state.clone();
    let task = tokio::spawn(async move {
        let kind = job.kind();
        let outcome = tokio::time::timeout(LONGEST_ATTEMPT, job.run(&state, id)).await;
        // The cause may name a mail address or a server of a user: it is in the row, and not in the log.
        match &outcome {
            Ok(Ok(())) => tracing::info!(job = %id, kind, "job done"),
            Ok(Err(_)) | Err(_) => tracing::warn!(job = %id, kind, "job failed"),
        }
        outcome?
    });
    task.await?
}

// ANCHOR: job_backoff
async fn failed(state: &AppState, id: Uuid, attempts: i64, error: Cause) -> Result<(), sqlx::Error> {
    let now = millis(state);
    let last = error.is::<Refused>() || attempts >= i64::from(MOST_ATTEMPTS);
    let doubled = 2_000_i64 << attempts.clamp(1, 10);
    let mut random = [0; 8];
    state.random.fill(&mut random);
    // Half of the pause is chance: jobs that failed together, because one server was down, do not come back together.
    let jitter = i64::from_be_bytes(random).rem_euclid(doubled / 2 + 1);
    let error: String = causes(&*error).chars().take(500).collect();
    state
        .db
        .query("UPDATE jobs SET run_at = $3, parked_at = $4, last_error = $5 WHERE id = $1 AND attempts = $2")
        .bind(id)
        .bind(attempts)
        .bind(now + doubled / 2 + jitter)
        .bind(last.then_some(now))
        .bind(error)
        .execute()
        .await?;
    if last {
        tracing::error!(job = %id, attempts, "job parked: an administrator has to look at it");
    }
    Ok(())
}
// ANCHOR_END: job_backoff
