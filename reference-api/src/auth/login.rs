//! `POST /auth/login`: begin a session.

use axum::{
    Json,
    extract::{FromRequestParts, State},
};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    email::{Email, acceptable},
    password_rules::Password,
    passwords::Checked,
    sessions::{self, TokensResponse},
};
use crate::{
    db::Executor,
    error::ApiError,
    extract::{ClientAddress, Rules, ValidJson},
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
/// A wrong password and an unknown address get the same answer, and cost the same work. After a few failures every attempt is
/// answered with 429 for a while, also the right one.
#[utoipa::path(
    post, path = "/auth/login", tag = "auth", request_body = CreateSession,
    responses(
        (status = 200, description = "The session's first tokens", body = TokensResponse),
        BodyProblems, LoginProblems,
    )
)]
pub(crate) async fn login(
    log_in: LogIn,
    ValidJson(sent): ValidJson<CreateSession>,
) -> Result<Json<TokensResponse>, ApiError> {
    log_in.with(sent.email, sent.password).await.map(Json)
}

/// What every way of logging in shares: an extractor that is made of two others.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct LogIn {
    #[from_request(via(State))]
    state: AppState,
    client: ClientAddress,
}

impl LogIn {
    /// Begins a session, if the password is the one of the account.
    pub(super) async fn with(self, email: Email, password: Password) -> Result<TokensResponse, ApiError> {
        let Self { state, client } = self;
        let attempt = state.throttle.attempt(&email, client.0);
        attempt.admit().await?;
        let account: Option<(Uuid, String)> = state
            .db
            .query("SELECT id, password_hash FROM users WHERE email = $1 AND disabled_at IS NULL")
            // What cannot be an address is nobody's. PostgreSQL would refuse some of it, and tell that by its answer.
            .bind(acceptable(&email, &()).map_or("", |()| email.as_str()))
            .fetch_optional()
            .await?;
        let stored = account.as_ref().map(|(_, hash)| hash.as_str());
        // Held until the outcome is counted: whoever is next finds it counted.
        let turn = state.passwords.turn().await?;
        attempt.admit().await?;
        let user = match (state.passwords.check(&turn, password.clone(), stored).await?, account) {
            (Checked::Right, Some((user, _))) => user,
            // ANCHOR: rehash_at_login
            (Checked::RightButOutdated, Some((user, old))) => {
                // The only moment at which we have the password to make a better hash of.
                let new = state.passwords.hash(&turn, password).await?;
                rehash(&state, user, &old, new).await?;
                user
            }
            // ANCHOR_END: rehash_at_login
            (Checked::Wrong, _) | (_, None) => {
                attempt.failed().await?;
                tracing::info!("login refused");
                return Err(ApiError::InvalidCredentials);
            }
        };
        attempt.succeeded().await?;
        tracing::info!(%user, "logged in");
        sessions::begin(&state, &state.db, user).await
    }
}

/// Unless the password was changed meanwhile: then the hash is one of the new password, and stays.
async fn rehash(state: &AppState, user: Uuid, old: &str, new: String) -> Result<(), ApiError> {
    state
        .db
        .query("UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
        .bind(new)
        .bind(user)
        .bind(old)
        .execute()
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;
    use time::Duration;

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
    async fn p13_an_old_hash_is_made_anew_at_login() {
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
    async fn p13_a_password_is_taken_exactly_as_it_was_sent() {
        let app = TestApp::start().await;
        app.register(&ADA).await;

        let spaced = json!({ "email": ADA.email, "password": format!("{} ", ADA.password) });

        app.post("/api/v1/auth/login", &spaced)
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
    }

    #[tokio::test]
    async fn after_a_few_failures_even_the_right_password_has_to_wait() {
        let app = TestApp::start().await;
        app.register(&ADA).await;
        let unknown = json!({ "email": "nobody@example.com", "password": "not the right one" });
        let wrong = json!({ "email": ADA.email, "password": "not the right one" });
        for body in [&wrong, &unknown] {
            for _ in 0..5 {
                let answer = app.post("/api/v1/auth/login", body).await;
                answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
            }
            let hashes = app.hashes();
            let refused = app.post("/api/v1/auth/login", body).await;
            refused.assert_problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
            assert_eq!(refused.header("retry-after"), "60");
            assert_eq!(app.hashes(), hashes, "a refused attempt costs no hash");
        }
        app.post("/api/v1/auth/login", &ADA.login())
            .await
            .assert_problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");

        app.pass(Duration::seconds(60));

        app.post("/api/v1/auth/login", &ADA.login()).await.tokens();
        // A success sets the counter back: five are free again.
        for _ in 0..5 {
            let answer = app.post("/api/v1/auth/login", &wrong).await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
        }
    }

    #[tokio::test]
    async fn of_many_guesses_at_once_all_but_a_few_are_refused_without_a_hash() {
        for app in TestApp::start_on_each_engine().await {
            app.register(&ADA).await;
            let before = app.hashes();

            let guesses: Vec<_> = (0..50)
                .map(|number| {
                    let app = app.clone();
                    let body = json!({ "email": ADA.email, "password": format!("guess number {number}") });
                    tokio::spawn(async move { app.post("/api/v1/auth/login", &body).await.status() })
                })
                .collect();
            let mut refused = 0;
            for guess in guesses {
                refused += u64::from(guess.await.unwrap() == StatusCode::TOO_MANY_REQUESTS);
            }

            // As many as are free, and those that were computed beside the last of them.
            let cores = std::thread::available_parallelism().unwrap().get() as u64;
            let computed = app.hashes() - before;
            assert!((5..5 + cores).contains(&computed), "{computed} were computed on {cores} cores");
            assert_eq!(refused, 50 - computed);
        }
    }

    #[tokio::test]
    async fn one_password_on_many_accounts_is_stopped_by_the_address_it_comes_from() {
        let app = TestApp::start().await;
        app.register(&ADA).await;
        let spray = async |number: u32, peer: &str| {
            let body =
                json!({ "email": format!("user{number}@example.com"), "password": "summer in the city" });
            app.post_from(peer, "/api/v1/auth/login", &body).await.status()
        };
        for number in 0..50 {
            assert_eq!(spray(number, "203.0.113.9:1").await, StatusCode::UNAUTHORIZED, "{number}");
        }

        assert_eq!(spray(50, "203.0.113.9:2").await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(spray(50, "198.51.100.7:1").await, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_victim_of_guessing_logs_in_from_elsewhere() {
        let app = TestApp::start().await;
        app.register(&ADA).await;
        let wrong = json!({ "email": ADA.email, "password": "not the right one" });
        for _ in 0..6 {
            app.post_from("203.0.113.9:1", "/api/v1/auth/login", &wrong).await;
        }
        let attacker = app.post_from("203.0.113.9:1", "/api/v1/auth/login", &ADA.login()).await;
        attacker.assert_problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");

        app.post_from("198.51.100.7:1", "/api/v1/auth/login", &ADA.login()).await.tokens();
    }
}
