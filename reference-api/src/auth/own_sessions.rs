//! `GET /auth/sessions` and `DELETE /auth/sessions/{id}`: where the caller is logged in, and the end of one of these logins.

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CurrentUser, sessions::seconds};
use crate::{
    db::Executor,
    error::ApiError,
    extract::{Id, Page, PageParameters, PageQuery},
    openapi::{LookupProblems, ParameterProblems, TokenProblems},
    state::AppState,
};

#[derive(Debug, sqlx::FromRow)]
struct SessionRow {
    id: Uuid,
    created_at: i64,
    rotated_at: i64,
    expires_at: i64,
}

/// A login of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionResponse {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When its tokens were exchanged last.
    #[serde(with = "time::serde::rfc3339")]
    refreshed_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl From<SessionRow> for SessionResponse {
    fn from(row: SessionRow) -> Self {
        // Written by us from such a moment, so it is one.
        let moment =
            |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self {
            id: row.id,
            created_at: moment(row.created_at),
            refreshed_at: moment(row.rotated_at),
            expires_at: moment(row.expires_at),
        }
    }
}

/// List the own sessions
///
/// One for each login that has not ended, the newest first.
#[utoipa::path(
    get, path = "/auth/sessions", tag = "auth", security(("access_token" = [])), params(PageParameters),
    responses(
        (status = 200, description = "A page of sessions", body = Page<SessionResponse>),
        TokenProblems, ParameterProblems,
    )
)]
pub(crate) async fn list_sessions(
    State(state): State<AppState>,
    user: CurrentUser,
    page: PageQuery,
) -> Result<Page<SessionResponse>, ApiError> {
    let rows: Vec<SessionRow> = state
        .db
        .query(
            "SELECT id, created_at, rotated_at, expires_at FROM sessions
             WHERE user_id = $1 AND id < $2 AND revoked_at IS NULL AND expires_at > $3
             ORDER BY id DESC LIMIT $4",
        )
        .bind(user.id)
        .bind(page.before())
        .bind(seconds(state.clock.now()))
        .bind(page.rows())
        .fetch_all()
        .await?;
    Ok(page.page(rows, |row| row.id))
}

/// End one of the own sessions
///
/// Its access token is refused from the next request on.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", tag = "auth", security(("access_token" = [])),
    params(("id" = Uuid, Path, description = "The session")),
    responses(
        (status = 204, description = "The session has ended"),
        TokenProblems, ParameterProblems, LookupProblems,
    )
)]
pub(crate) async fn end_session(
    State(state): State<AppState>,
    user: CurrentUser,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let now = seconds(state.clock.now());
    let ended = state
        .db
        .query(
            "UPDATE sessions SET revoked_at = $1
             WHERE id = $2 AND user_id = $3 AND revoked_at IS NULL AND expires_at > $4",
        )
        .bind(now)
        .bind(id)
        .bind(user.id)
        .bind(now)
        .execute()
        .await?;
    if ended == 0 {
        return Err(ApiError::NotFound);
    }
    tracing::info!(user = %user.id, session = %id, "ended a session");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use time::Duration;

    use crate::testing::{ADA, TestApp};

    const SESSIONS: &str = "/api/v1/auth/sessions";
    const ME: &str = "/api/v1/users/me";

    #[tokio::test]
    async fn p10_a_session_that_was_ended_from_elsewhere_is_out_on_its_next_request() {
        let app = TestApp::start().await;
        let phone = app.session(&ADA).await;
        app.pass(Duration::seconds(1));
        let laptop = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();

        let list = app.get_as(&laptop.access, SESSIONS).await;
        list.assert_status(StatusCode::OK);
        let list = list.json();
        assert_eq!(list["data"].as_array().unwrap().len(), 2);
        let id = list["data"][1]["id"].as_str().unwrap();
        assert_eq!(list["data"][1]["created_at"], "2026-01-01T12:00:00Z");
        let path = format!("{SESSIONS}/{id}");
        app.delete_as(&laptop.access, &path, "*").await.assert_status(StatusCode::NO_CONTENT);

        app.get_as(&phone.access, ME).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.get_as(&laptop.access, ME).await.assert_status(StatusCode::OK);
        let again = app.delete_as(&laptop.access, &path, "*").await;
        again.assert_problem(StatusCode::NOT_FOUND, "not-found");
        let left = app.get_as(&laptop.access, SESSIONS).await.json();
        assert_eq!(left["data"].as_array().unwrap().len(), 1);
    }
}
