//! `POST /auth/logout`: end a session.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::sessions::seconds;
use crate::{
    db::Executor,
    error::ApiError,
    extract::{Rules, ValidJson},
    openapi::BodyProblems,
    state::AppState,
};

/// The session to end, named by its refresh token.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct EndSession {
    /// Any refresh token of the session, the newest or an older one.
    #[garde(skip)]
    #[schema(example = "rt_AZ8…")]
    refresh_token: String,
}

/// Log out
///
/// The access token of the session is refused from the next request on. A token that means nothing is answered with 204 as
/// well: what the client wants is true already (RFC 7009 §2.2).
#[utoipa::path(
    post, path = "/auth/logout", tag = "auth", request_body = EndSession,
    responses(
        (status = 204, description = "The session has ended, now or before"),
        BodyProblems,
    )
)]
pub(crate) async fn logout(
    State(state): State<AppState>,
    ValidJson(sent): ValidJson<EndSession>,
) -> Result<StatusCode, ApiError> {
    if let Some(presented) = state.refresh_tokens.read(&sent.refresh_token) {
        state
            .db
            .query("UPDATE sessions SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
            .bind(seconds(state.clock.now()))
            .bind(presented.session)
            .execute()
            .await?;
        tracing::info!(session = %presented.session, "logged out");
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn p10_a_logout_bites_on_the_very_next_request() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        let body = json!({ "refresh_token": session.refresh });

        app.post("/api/v1/auth/logout", &body).await.assert_status(StatusCode::NO_CONTENT);

        app.get_as(&session.access, "/api/v1/users/me")
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.refresh(&session.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
    }

    #[tokio::test]
    async fn logging_out_twice_or_with_junk_is_no_mistake() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for token in [&session.refresh, &session.refresh, "junk"] {
            let answer = app.post("/api/v1/auth/logout", &json!({ "refresh_token": token })).await;
            answer.assert_status(StatusCode::NO_CONTENT);
        }
    }

    #[tokio::test]
    async fn a_logout_ends_no_other_session() {
        let app = TestApp::start().await;
        let phone = app.session(&ADA).await;
        let laptop = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();

        app.post("/api/v1/auth/logout", &json!({ "refresh_token": phone.refresh })).await;

        app.get_as(&laptop.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
    }
}
