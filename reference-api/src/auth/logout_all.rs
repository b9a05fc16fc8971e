//! `POST /auth/logout-all`: end every session of the caller.

use axum::{extract::State, http::StatusCode};

use super::{CurrentUser, sessions};
use crate::{error::ApiError, openapi::TokenProblems, state::AppState};

/// Log out everywhere
///
/// Every session ends, this one as well: what to do when a device is lost or a token was seen by others.
#[utoipa::path(
    post, path = "/auth/logout-all", tag = "auth", security(("access_token" = [])),
    responses((status = 204, description = "All sessions have ended"), TokenProblems)
)]
pub(crate) async fn log_out_everywhere(
    State(state): State<AppState>,
    user: CurrentUser,
) -> Result<StatusCode, ApiError> {
    sessions::end_all(&state.db, user.id, state.clock.now()).await?;
    tracing::info!(user = %user.id, "logged out everywhere");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::{ADA, EVE, TestApp};

    #[tokio::test]
    async fn p10_every_session_of_the_caller_ends_and_nobody_elses() {
        let app = TestApp::start().await;
        let (phone, eve) = (app.session(&ADA).await, app.session(&EVE).await);
        let laptop = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();

        app.post_empty_as(&laptop.access, "/api/v1/auth/logout-all")
            .await
            .assert_status(StatusCode::NO_CONTENT);

        for session in [&phone, &laptop] {
            let answer = app.get_as(&session.access, "/api/v1/users/me").await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
            let answer = app.refresh(&session.refresh).await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
        }
        app.get_as(&eve.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
    }
}
