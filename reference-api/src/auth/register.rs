//! `POST /auth/register`: make an account.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    email::{self, Email},
    password_rules::{Password, acceptable_for},
};
use crate::{
    clock::new_id,
    db::{Executor, OnConflict, Unique},
    error::ApiError,
    extract::{ClientAddress, Rules, Tx, ValidJson, line},
    jobs::{self, Job},
    openapi::{BodyProblems, ConflictProblems, ThrottleProblems},
    state::AppState,
    users::{Address, AddressRow, UserResponse, UserRow},
};

const EMAIL: Unique = Unique { name: "users_email_unique", columns: "users.email" };

/// A new account.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct CreateUser {
    /// The address to log in with.
    #[garde(custom(email::acceptable))]
    email: Email,
    /// The name to show.
    #[garde(length(chars, min = 1, max = 100), custom(line))]
    #[schema(example = "Ada Lovelace", min_length = 1, max_length = 100)]
    name: String,
    /// At least 15 characters, any characters; taken exactly as sent.
    #[garde(custom(|password: &Password, rules| acceptable_for(password, &self.email, rules)))]
    password: Password,
    /// Where post goes.
    #[garde(dive)]
    address: Option<Address>,
}

/// Make an account
///
/// A taken address is answered with 409. That tells that the address has an account; the alternative, answering alike and
/// sending a mail, needs a mail to be able to log in at all.
#[utoipa::path(
    post, path = "/auth/register", tag = "auth", request_body = CreateUser,
    responses(
        (status = 201, description = "The account was made", body = UserResponse),
        BodyProblems, ConflictProblems, ThrottleProblems,
    )
)]
pub(crate) async fn register_user(
    State(state): State<AppState>,
    client: ClientAddress,
    tx: Tx,
    ValidJson(new): ValidJson<CreateUser>,
) -> Result<(StatusCode, Json<UserResponse>), ApiError> {
    // The 409 below tells who has an account. One address may ask that only a few times; registering is not limited.
    let probe = state.throttle.probe(client.0);
    probe.admit().await?;
    let turn = state.passwords.turn().await?;
    let password_hash = state.passwords.hash(&turn, new.password).await?;
    drop(turn);
    let AddressRow { street, city, country } = new.address.into();
    // ANCHOR: register_constraint
    // No look before the insert: of two that look at the same moment, both would find the address free. The constraint
    // decides, and its violation is the answer.
    let mut tx = tx.begin().await?;
    let made: Result<UserRow, ApiError> = tx
        .query(
            "INSERT INTO users (id, email, name, password_hash, street, city, country, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             RETURNING id, email, name, role, created_at, version, street, city, country",
        )
        .bind(new_id(&*state.clock, &*state.random))
        .bind(new.email.as_str())
        .bind(new.name)
        .bind(password_hash)
        .bind(street)
        .bind(city)
        .bind(country)
        .bind(state.clock.now())
        .fetch_one()
        .await
        .on_conflict(EMAIL, ApiError::Conflict("there is an account with this address already"));
    // ANCHOR_END: register_constraint
    if let Err(ApiError::Conflict(_)) = made {
        probe.failed().await?;
    }
    let user = made?;
    // In the same transaction. Sent right here instead, a mail could be for an account that is rolled back a moment later, and
    // a crash after the commit would lose it.
    jobs::push(&state, &mut *tx, &Job::WelcomeMail { user: user.id }).await?;
    tracing::info!(user = %user.id, "registered");
    Ok((StatusCode::CREATED, Json(user.into())))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn a_new_account_is_answered_with_201_and_without_its_hash() {
        let app = TestApp::start().await;

        let answer = app.post("/api/v1/auth/register", &ADA.registration()).await;

        answer.assert_status(StatusCode::CREATED);
        assert_eq!(answer.json()["email"], "ada@example.com");
        assert!(
            !answer.text().contains("argon2") && !answer.text().contains("password"),
            "{}",
            answer.text()
        );
    }

    #[tokio::test]
    async fn a_taken_address_is_a_conflict_in_whatever_case_it_is_written() {
        let app = TestApp::start().await;
        app.register(&ADA).await;

        let again =
            json!({ "email": "ADA@Example.COM", "name": "Other", "password": "another long password" });
        let answer = app.post("/api/v1/auth/register", &again).await;

        answer.assert_problem(StatusCode::CONFLICT, "conflict");
    }

    #[tokio::test]
    async fn twenty_registrations_of_one_address_at_once_make_one_account() {
        for app in TestApp::start_on_each_engine().await {
            let attempts: Vec<_> = (0..20)
                .map(|_| {
                    let app = app.clone();
                    tokio::spawn(async move {
                        app.post("/api/v1/auth/register", &ADA.registration()).await.status()
                    })
                })
                .collect();
            let mut statuses = Vec::new();
            for attempt in attempts {
                statuses.push(attempt.await.unwrap());
            }

            assert_eq!(
                statuses.iter().filter(|status| **status == StatusCode::CREATED).count(),
                1,
                "{statuses:?}"
            );
            assert_eq!(
                statuses.iter().filter(|status| **status == StatusCode::CONFLICT).count(),
                19,
                "{statuses:?}"
            );
            assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
        }
    }

    #[tokio::test]
    async fn all_bad_fields_are_reported_at_once_with_pointers() {
        let app = TestApp::start().await;

        let bad = json!({ "email": "not an address", "name": "", "password": "short" });
        let answer = app.post("/api/v1/auth/register", &bad).await;

        answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
        insta::assert_json_snapshot!(answer.json()["errors"], @r#"
        [
          {
            "code": "invalid",
            "detail": "is not an e-mail address",
            "pointer": "/email"
          },
          {
            "code": "too_short",
            "detail": "length is lower than 1",
            "pointer": "/name"
          },
          {
            "code": "too_short",
            "detail": "length is lower than 15",
            "pointer": "/password"
          }
        ]
        "#);
    }

    #[tokio::test]
    async fn p13_a_password_that_is_easy_to_guess_is_refused_and_any_long_one_is_taken() {
        let app = TestApp::start().await;
        for (password, status) in [
            ("aaaaaaaaaaaaaaaaaaaa".to_owned(), 422),
            ("Correct Horse Battery Staple".to_owned(), 422),
            ("my name is LOVELACE and I am here".to_owned(), 422),
            ("abcdefghijklmnopqrstuvwxyz".to_owned(), 422),
            ("passwordpassword".to_owned(), 422),
            ("fourteen chars".to_owned(), 422),
            ("x".repeat(257), 422),
            ("twenty lower letters".to_owned(), 201),
            ("  spaces on both sides  ".to_owned(), 409),
            ("🦀 and other animals".to_owned(), 409),
            (format!("{}!", "a walk ".repeat(36)).chars().take(253).chain("end".chars()).collect(), 409),
        ] {
            let body = json!({ "email": "lovelace@example.com", "name": "Ada", "password": password });
            assert_eq!(
                app.post("/api/v1/auth/register", &body).await.status().as_u16(),
                status,
                "{password}"
            );
        }
    }

    #[tokio::test]
    async fn a_field_that_nobody_asked_for_is_refused() {
        let app = TestApp::start().await;
        for field in ["role", "id", "password_hash", "created_at"] {
            let mut body = ADA.registration();
            body[field] = json!("admin");

            let answer = app.post("/api/v1/auth/register", &body).await;

            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], format!("/{field}"));
        }
        assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
    }

    #[tokio::test]
    async fn a_value_of_the_wrong_type_is_not_repeated_in_the_answer() {
        let app = TestApp::start().await;
        for password in [json!({ "$ne": null }), json!(["hunter2hunter2"]), json!(123_456_789), Value::Null] {
            let mut body = ADA.registration();
            body["password"] = password;

            let answer = app.post("/api/v1/auth/register", &body).await;

            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/password");
            assert!(
                !answer.text().contains("hunter2") && !answer.text().contains("123456789"),
                "{}",
                answer.text()
            );
        }
    }

    #[tokio::test]
    async fn what_is_not_json_is_told_apart_by_cause() {
        let app = TestApp::start().await;
        for (content_type, body, status, slug) in [
            ("application/json", "{", 400, "malformed-json"),
            ("application/json", "{} trailing", 400, "malformed-json"),
            ("application/json", r#"{"email": 5,"#, 400, "malformed-json"),
            ("application/json", "[1,]", 400, "malformed-json"),
            ("application/json", "", 400, "malformed-json"),
            ("application/json", "[]", 422, "validation-failed"),
            ("application/json", r#"{"email":"a@b.c","email":"a@b.c"}"#, 422, "validation-failed"),
            ("", "{}", 415, "unsupported-media-type"),
            ("text/plain", "{}", 415, "unsupported-media-type"),
            ("application/json; charset=utf-16", "{}", 415, "unsupported-media-type"),
        ] {
            let answer = app.post_raw("/api/v1/auth/register", content_type, body.into()).await;
            answer.assert_problem(StatusCode::from_u16(status).unwrap(), slug);
        }
        let large = " ".repeat(65 * 1024);
        let answer = app.post_raw("/api/v1/auth/register", "application/json", large.into()).await;
        answer.assert_problem(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large");
    }

    #[tokio::test]
    async fn asking_again_and_again_which_addresses_are_taken_is_stopped() {
        let app = TestApp::start_on_sqlite().await;
        let ask = async || app.post_from("203.0.113.9:1", "/api/v1/auth/register", &ADA.registration()).await;
        ask().await.assert_status(StatusCode::CREATED);
        for _ in 0..50 {
            ask().await.assert_problem(StatusCode::CONFLICT, "conflict");
        }

        ask().await.assert_problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");

        let elsewhere = app.post_from("198.51.100.7:1", "/api/v1/auth/register", &ADA.registration()).await;
        elsewhere.assert_problem(StatusCode::CONFLICT, "conflict");
    }
}
