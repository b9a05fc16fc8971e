//! `POST /auth/refresh`: exchange a refresh token for the next pair.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    access_token::Subject,
    refresh_token::Presented,
    sessions::{TokensResponse, seconds},
};
use crate::{
    db::Executor,
    error::ApiError,
    extract::{Rules, ValidJson},
    openapi::{BodyProblems, RefreshProblems},
    state::AppState,
};

/// How long a token that was just used gets the same successor again: the answer may have been lost on its way.
const GRACE_SECONDS: i64 = 10;

/// A refresh token.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct RefreshSession {
    /// The token as it was issued.
    #[garde(skip)]
    #[schema(example = "rt_AZ8…")]
    refresh_token: String,
}

/// Get the next pair of tokens
///
/// A refresh token works once. Used again, it ends the session, since two people hold it then. The exception: within ten
/// seconds, and while its successor is unused, it gets the same successor again.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "auth", request_body = RefreshSession,
    responses(
        (status = 200, description = "The session's next tokens", body = TokensResponse),
        BodyProblems, RefreshProblems,
    )
)]
pub(crate) async fn refresh(
    State(state): State<AppState>,
    ValidJson(sent): ValidJson<RefreshSession>,
) -> Result<Json<TokensResponse>, ApiError> {
    let presented = state.refresh_tokens.read(&sent.refresh_token).ok_or(ApiError::InvalidRefreshToken)?;
    let user = rotate(&state, presented).await?.ok_or(ApiError::InvalidRefreshToken)?;
    let subject = Subject { user, session: presented.session };
    TokensResponse::of(&state, subject, presented.generation + 1).map(Json)
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    user_id: Uuid,
    generation: i64,
    rotated_at: i64,
}

// ANCHOR: refresh_rotation
/// Whose session it is, if the token renews it.
async fn rotate(state: &AppState, presented: Presented) -> Result<Option<Uuid>, ApiError> {
    let now = seconds(state.clock.now());
    let mut transaction = state.db.begin().await?;
    // Locked before it is read, so of two with the same token the second reads what the first has written. Without the lock
    // both would read the same generation, and both would go on.
    let session: Option<SessionRow> = transaction
        .query(
            "SELECT user_id, generation, rotated_at FROM sessions
             WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2",
        )
        .bind(presented.session)
        .bind(now)
        .for_update()
        .fetch_optional()
        .await?;
    let Some(session) = session else { return Ok(None) };
    let behind = session.generation - i64::from(presented.generation);
    let statement = match behind {
        0 => "UPDATE sessions SET generation = generation + 1, rotated_at = $1 WHERE id = $2",
        // Used a moment ago, and its successor is not: the answer may have been lost. The successor is computed again,
        // so there is still one branch.
        1 if now - session.rotated_at < GRACE_SECONDS => return Ok(Some(session.user_id)),
        // Used before: two people hold it, and nobody can say which one is the user. The session ends for both.
        _ => "UPDATE sessions SET revoked_at = $1 WHERE id = $2",
    };
    transaction.query(statement).bind(now).bind(presented.session).execute().await?;
    transaction.commit().await?;
    if behind == 0 {
        return Ok(Some(session.user_id));
    }
    tracing::warn!(session = %presented.session, "a refresh token was used twice; the session is revoked");
    Ok(None)
}
// ANCHOR_END: refresh_rotation

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use time::Duration;

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn a_refresh_token_works_once_and_gives_a_pair_that_works() {
        let app = TestApp::start().await;
        let first = app.session(&ADA).await;

        let second = app.refresh(&first.refresh).await.tokens();

        assert_ne!(second.refresh, first.refresh);
        app.get_as(&second.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_refresh_token_is_refused_as_an_access_token_and_the_other_way_round() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        app.get_as(&session.refresh, "/api/v1/users/me")
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.refresh(&session.access).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
    }

    #[tokio::test]
    async fn a_lost_answer_is_given_again_while_nobody_has_used_the_successor() {
        let app = TestApp::start().await;
        let first = app.session(&ADA).await;
        let second = app.refresh(&first.refresh).await.tokens();

        app.pass(Duration::seconds(9));
        let again = app.refresh(&first.refresh).await.tokens();

        assert_eq!(again.refresh, second.refresh);
    }

    #[tokio::test]
    async fn reuse_after_the_grace_period_ends_the_session_with_all_its_tokens() {
        let app = TestApp::start().await;
        let first = app.session(&ADA).await;
        let second = app.refresh(&first.refresh).await.tokens();

        app.pass(Duration::seconds(10));
        app.refresh(&first.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");

        app.refresh(&second.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
        app.get_as(&second.access, "/api/v1/users/me")
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
    }

    #[tokio::test]
    async fn reuse_within_the_grace_period_ends_the_session_once_the_successor_was_used() {
        let app = TestApp::start().await;
        let first = app.session(&ADA).await;
        let second = app.refresh(&first.refresh).await.tokens();
        let third = app.refresh(&second.refresh).await.tokens();

        app.pass(Duration::seconds(1));
        app.refresh(&first.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");

        app.refresh(&third.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
    }

    #[tokio::test]
    async fn twenty_refreshes_of_one_token_at_once_leave_one_branch() {
        for app in TestApp::start_on_each_engine().await {
            let first = app.session(&ADA).await;

            let attempts: Vec<_> = (0..20)
                .map(|_| {
                    let (app, token) = (app.clone(), first.refresh.clone());
                    tokio::spawn(async move { app.refresh(&token).await.tokens().refresh })
                })
                .collect();
            let mut successors = Vec::new();
            for attempt in attempts {
                successors.push(attempt.await.unwrap());
            }
            successors.dedup();

            assert_eq!(successors.len(), 1, "{app:?}");
            assert_eq!(app.count("SELECT generation FROM sessions").await, 1, "{app:?}");
        }
    }

    #[tokio::test]
    async fn a_session_ends_after_thirty_days_however_often_it_was_refreshed() {
        let app = TestApp::start().await;
        let mut token = app.session(&ADA).await.refresh;
        for _ in 0..29 {
            app.pass(Duration::days(1));
            token = app.refresh(&token).await.tokens().refresh;
        }

        app.pass(Duration::days(1));

        app.refresh(&token).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
    }
}
