//! `POST /auth/change-password`: replace the password, and end every session that the old one has begun.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    CurrentUser,
    current_password::{Confirmed, confirm},
    password_rules::{Password, acceptable_for},
    sessions::{self, TokensResponse},
};
use crate::{
    db::Executor,
    error::ApiError,
    extract::{ClientAddress, Rules, Tx, ValidJson},
    openapi::{BodyProblems, ConfirmedProblems},
    problem::FieldError,
    state::AppState,
};

/// The password as it is and as it shall be.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct ChangePassword {
    /// Who has found an open session does not know it.
    #[garde(skip)]
    current_password: Password,
    /// At least 15 characters, any characters; taken exactly as sent.
    #[garde(custom(Password::acceptable))]
    new_password: Password,
}

/// Change the password
///
/// All sessions end, since one of them may be somebody else's. The answer begins a new one for the caller.
#[utoipa::path(
    post, path = "/auth/change-password", tag = "auth", request_body = ChangePassword, security(("access_token" = [])),
    responses(
        (status = 200, description = "The first tokens of a new session", body = TokensResponse),
        ConfirmedProblems, BodyProblems,
    )
)]
pub(crate) async fn change_password(
    State(state): State<AppState>,
    user: CurrentUser,
    client: ClientAddress,
    tx: Tx,
    ValidJson(sent): ValidJson<ChangePassword>,
) -> Result<Json<TokensResponse>, ApiError> {
    acceptable_for(&sent.new_password, &user.email, &Rules::from(&*state.settings)).map_err(|error| {
        let detail = error.message().to_owned();
        ApiError::ValidationFailed(vec![FieldError {
            pointer: "/new_password".to_owned(),
            code: "invalid",
            detail,
        }])
    })?;
    let Confirmed { turn, hash: stored } = confirm(&state, &user, client, sent.current_password).await?;
    let hash = state.passwords.hash(&turn, sent.new_password).await?;
    drop(turn);
    // Begun after the hashes: they take longer than all statements together, and others wait for the right to write.
    let mut tx = tx.begin().await?;
    // Of two changes at once, the later one finds the hash gone that it was checked against.
    let changed = tx
        .query("UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
        .bind(hash)
        .bind(user.id)
        .bind(stored)
        .execute()
        .await?;
    if changed == 0 {
        return Err(ApiError::InvalidCredentials);
    }
    sessions::end_all(&mut *tx, user.id, state.clock.now()).await?;
    tracing::info!(user = %user.id, "changed the password");
    sessions::begin(&state, &mut *tx, user.id).await.map(Json)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use crate::testing::{ADA, EVE, TestApp};

    const PATH: &str = "/api/v1/auth/change-password";

    #[tokio::test]
    async fn p10_a_new_password_ends_all_sessions_and_begins_one() {
        let app = TestApp::start().await;
        let phone = app.session(&ADA).await;
        let laptop = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();

        let body = json!({ "current_password": ADA.password, "new_password": "a short walk in the snow" });
        let new = app.post_as(&laptop.access, PATH, &body).await.tokens();

        for session in [&phone, &laptop] {
            let answer = app.get_as(&session.access, "/api/v1/users/me").await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
            let answer = app.refresh(&session.refresh).await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
        }
        app.get_as(&new.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
        let old = app.post("/api/v1/auth/login", &ADA.login()).await;
        old.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
        let login = json!({ "email": ADA.email, "password": "a short walk in the snow" });
        app.post("/api/v1/auth/login", &login).await.tokens();
    }

    #[tokio::test]
    async fn a_wrong_current_password_changes_nothing_and_counts_like_a_failed_login() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        let body = json!({ "current_password": "a guess", "new_password": "a short walk in the snow" });
        for _ in 0..5 {
            let answer = app.post_as(&session.access, PATH, &body).await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
        }

        let answer = app.post_as(&session.access, PATH, &body).await;

        answer.assert_problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
        app.get_as(&session.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_new_password_follows_the_rules_of_the_first() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for new in ["too short", "passwordpassword1", "aaaaaaaaaaaaaaaaaaaa"] {
            let body = json!({ "current_password": ADA.password, "new_password": new });
            let answer = app.post_as(&session.access, PATH, &body).await;
            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/new_password", "{new}");
        }
    }

    #[tokio::test]
    async fn p13_every_stored_hash_is_argon2id_with_at_least_the_recommended_cost() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        app.register(&EVE).await;
        app.weaken_hash(&EVE).await;
        app.post("/api/v1/auth/login", &EVE.login()).await.tokens();
        let body = json!({ "current_password": ADA.password, "new_password": "a short walk in the snow" });
        app.post_as(&session.access, PATH, &body).await.tokens();

        let weak =
            "SELECT count(*) FROM users WHERE password_hash NOT LIKE '$argon2_d$v=19$m=19456,t=2,p=1$%'";
        assert_eq!(app.count(weak).await, 0);
        assert_eq!(app.count("SELECT count(*) FROM users").await, 2);
    }
}
