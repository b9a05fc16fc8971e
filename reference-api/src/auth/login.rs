//! `POST /auth/login`: begin a session.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    email::Email,
    passwords::{Checked, Password},
    sessions::{self, TokensResponse},
};
use crate::{
    error::ApiError,
    extract::{Rules, ValidJson},
    openapi::{BodyProblems, LoginProblems},
    state::AppState,
};

/// An address and its password. Neither is judged here: a bad one is simply not right.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct CreateSession {
    /// The address of the account.
    #[garde(skip)]
    email: Email,
    /// Its password.
    #[garde(skip)]
    password: Password,
}

/// Log in
///
/// A wrong password and an unknown address get the same answer, and cost the same work.
#[utoipa::path(
    post, path = "/auth/login", tag = "auth", request_body = CreateSession,
    responses(
        (status = 200, description = "The session's first tokens", body = TokensResponse),
        BodyProblems, LoginProblems,
    )
)]
pub(crate) async fn login(
    State(state): State<AppState>,
    ValidJson(sent): ValidJson<CreateSession>,
) -> Result<Json<TokensResponse>, ApiError> {
    let account: Option<(Uuid, String)> =
        sqlx::query_as("SELECT id, password_hash FROM users WHERE email = ?")
            .bind(sent.email.as_str())
            .fetch_optional(&state.db)
            .await?;
    let stored = account.as_ref().map(|(_, hash)| hash.as_str());
    let checked = state.passwords.check(sent.password.clone(), stored).await?;
    let user = match (account, checked) {
        (Some((user, _)), Checked::Right) => user,
        (Some((user, _)), Checked::RightButOutdated) => {
            // The only moment at which we have the password to make a better hash of.
            rehash(&state, user, sent.password).await?;
            user
        }
        (Some(_), Checked::Wrong) | (None, _) => {
            tracing::info!("login refused");
            return Err(ApiError::InvalidCredentials);
        }
    };
    tracing::info!(%user, "logged in");
    sessions::begin(&state, &state.db, user).await.map(Json)
}

async fn rehash(state: &AppState, user: Uuid, password: Password) -> Result<(), ApiError> {
    let hash = state.passwords.hash(password).await?;
    sqlx::query("UPDATE users SET password_hash = ? WHERE id = ?")
        .bind(hash)
        .bind(user)
        .execute(&state.db)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn the_right_password_begins_a_session() {
        let app = TestApp::start().await;
        app.register(&ADA).await;

        let answer = app.post("/api/v1/auth/login", &ADA.login()).await;

        answer.assert_status(StatusCode::OK);
        assert_eq!(answer.json()["token_type"], "Bearer");
        assert_eq!(answer.json()["expires_in"], 900);
    }

    #[tokio::test]
    async fn a_wrong_password_and_an_unknown_address_are_answered_alike_and_cost_one_hash_each() {
        let app = TestApp::start().await;
        app.register(&ADA).await;
        let wrong = json!({ "email": "ada@example.com", "password": "not the right one" });
        let unknown = json!({ "email": "eve@example.com", "password": "not the right one" });

        let mut answers = Vec::new();
        for body in [wrong, unknown] {
            let before = app.hashes();
            let answer = app.post("/api/v1/auth/login", &body).await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
            assert_eq!(app.hashes() - before, 1);
            answers.push((answer.text_without_ids(), answer.headers_without_ids()));
        }

        assert_eq!(answers[0], answers[1]);
    }

    #[tokio::test]
    async fn an_old_hash_is_made_anew_at_login() {
        let app = TestApp::start().await;
        app.register(&ADA).await;
        // m=8 KiB, t=1: far below today's parameters. The password is Ada's.
        app.weaken_hash(&ADA).await;
        assert!(app.text("SELECT password_hash FROM users").await.contains("m=8,t=1"));

        app.post("/api/v1/auth/login", &ADA.login()).await.assert_status(StatusCode::OK);

        assert!(app.text("SELECT password_hash FROM users").await.contains("m=19456,t=2,p=1"));
        app.post("/api/v1/auth/login", &ADA.login()).await.assert_status(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_password_is_taken_exactly_as_it_was_sent() {
        let app = TestApp::start().await;
        app.register(&ADA).await;

        let spaced = json!({ "email": ADA.email, "password": format!("{} ", ADA.password) });

        app.post("/api/v1/auth/login", &spaced)
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
    }
}
