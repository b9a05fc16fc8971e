//! `GET /admin/jobs` and `POST /admin/jobs/{id}/retry`: what waits, what was given up, and another try.

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::millis;
use crate::{
    db::Executor,
    error::ApiError,
    extract::{Id, Page, PageParameters, PageQuery},
    openapi::{AdminProblems, LookupProblems, ParameterProblems, TokenProblems},
    state::AppState,
};

#[derive(sqlx::FromRow)]
pub(crate) struct JobRow {
    id: Uuid,
    payload: String,
    created_at: i64,
    run_at: i64,
    attempts: i64,
    parked_at: Option<i64>,
    last_error: Option<String>,
}

/// A job that is not done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobResponse {
    id: Uuid,
    /// What is to be done.
    #[schema(example = "welcome_mail")]
    kind: String,
    /// How often it was tried.
    attempts: i64,
    /// Whether it waits for an administrator, because it was tried too often.
    parked: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it is tried next; of a parked one, when it would have been.
    #[serde(with = "time::serde::rfc3339")]
    run_at: OffsetDateTime,
    /// Why the last attempt failed.
    #[schema(required)]
    last_error: Option<String>,
}

impl From<JobRow> for JobResponse {
    fn from(row: JobRow) -> Self {
        #[derive(serde::Deserialize)]
        struct Kind {
            kind: String,
        }
        let kind =
            serde_json::from_str(&row.payload).map_or_else(|_| "unknown".to_owned(), |Kind { kind }| kind);
        Self {
            id: row.id,
            kind,
            attempts: row.attempts,
            parked: row.parked_at.is_some(),
            created_at: moment(row.created_at),
            run_at: moment(row.run_at),
            last_error: row.last_error,
        }
    }
}

fn moment(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// List the jobs that are not done
#[utoipa::path(
    get, path = "/admin/jobs", tag = "admin", security(("access_token" = [])), params(PageParameters),
    responses(
        (status = 200, description = "A page of jobs", body = Page<JobResponse>),
        TokenProblems, AdminProblems, ParameterProblems,
    )
)]
pub(crate) async fn list_jobs(
    State(state): State<AppState>,
    page: PageQuery,
) -> Result<Page<JobResponse>, ApiError> {
    let rows: Vec<JobRow> = state
        .db
        .query(
            "SELECT id, payload, created_at, run_at, attempts, parked_at, last_error FROM jobs
             WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(page.before())
        .bind(page.rows())
        .fetch_all()
        .await?;
    Ok(page.page(rows, |row| row.id))
}

/// Try a parked job again
///
/// Its attempts are counted from the beginning.
#[utoipa::path(
    post, path = "/admin/jobs/{id}/retry", tag = "admin", security(("access_token" = [])),
    params(("id" = Uuid, Path, description = "The job")),
    responses(
        (status = 204, description = "It is due again"),
        TokenProblems, AdminProblems, ParameterProblems, LookupProblems,
    )
)]
pub(crate) async fn retry_job(State(state): State<AppState>, Id(id): Id) -> Result<StatusCode, ApiError> {
    let touched = state
        .db
        .query("UPDATE jobs SET parked_at = NULL, attempts = 0, run_at = $2 WHERE id = $1 AND parked_at IS NOT NULL")
        .bind(id)
        .bind(millis(&state))
        .execute()
        .await?;
    state.jobs.wake();
    if touched == 0 { Err(ApiError::NotFound) } else { Ok(StatusCode::NO_CONTENT) }
}
