//! `GET`, `PATCH` and `DELETE /users/me`: the caller's own account.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Address, AddressRow, UserResponse, keep_another_admin};
use crate::{
    auth::{Confirmed, CurrentUser, Password, Role, confirm},
    db::Executor,
    error::ApiError,
    extract::{ClientAddress, ETag, IfMatch, IfNoneMatch, Rules, Tx, ValidJson, line, present},
    openapi::{BodyProblems, ConfirmedProblems, ConflictProblems, TokenProblems, VersionProblems},
    state::AppState,
};

/// Read the own account
#[utoipa::path(
    get, path = "/users/me", tag = "users", security(("access_token" = [])),
    params(("if-none-match" = Option<String>, Header, description = "The `ETag` of the version that is there already")),
    responses(
        (status = 200, description = "The account", body = UserResponse, headers(("etag" = String, description = "Its version"))),
        (status = 304, description = "It is as it was", headers(("etag" = String, description = "Its version"))),
        TokenProblems,
    )
)]
pub(crate) async fn get_me(user: CurrentUser, known: IfNoneMatch) -> Response {
    // The guard has read the row already: no statement of its own.
    known.answer(user.version, Json(UserResponse::from(user)))
}

/// What changes. A field that is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct UpdateMe {
    /// The name to show. It cannot be taken away.
    #[garde(inner(length(chars, min = 1, max = 100), custom(line)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, example = "Ada King", min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Where post goes; `null` takes it away. It is replaced as a whole.
    #[garde(dive)]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Address>, required = false)]
    address: Option<Option<Address>>,
}

/// Change the own account
#[utoipa::path(
    patch, path = "/users/me", tag = "users", request_body = UpdateMe, security(("access_token" = [])),
    params(("if-match" = String, Header, description = "The `ETag` of the version that was read", example = "\"1\"")),
    responses(
        (status = 200, description = "The account after the change", body = UserResponse, headers(("etag" = String, description = "Its new version"))),
        TokenProblems, BodyProblems, VersionProblems,
    )
)]
pub(crate) async fn update_me(
    mut user: CurrentUser,
    expected: IfMatch,
    tx: Tx,
    ValidJson(change): ValidJson<UpdateMe>,
) -> Result<impl IntoResponse, ApiError> {
    expected.check(user.version)?;
    let read = user.version;
    user.version += 1;
    user.name = change.name.unwrap_or(user.name);
    user.address = change.address.unwrap_or(user.address);
    let AddressRow { street, city, country } = user.address.clone().into();
    // The guard has read the row, but not under a lock: so the version stands in the WHERE as well.
    let changed = tx
        .begin()
        .await?
        .query(
            "UPDATE users SET name = $1, street = $2, city = $3, country = $4, version = $5
             WHERE id = $6 AND version = $7",
        )
        .bind(user.name.as_str())
        .bind(street)
        .bind(city)
        .bind(country)
        .bind(user.version)
        .bind(user.id)
        .bind(read)
        .execute()
        .await?;
    if changed == 0 {
        return Err(ApiError::PreconditionFailed);
    }
    Ok((ETag(user.version), Json(UserResponse::from(user))))
}

/// What the end of an account needs besides an access token.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct DeleteMe {
    /// Who has found an open session, or stolen a token, does not know it.
    #[garde(skip)]
    current_password: Password,
}

/// Delete the own account
///
/// With everything that belongs to it; the password is asked for once more. The last administrator makes another one first.
#[utoipa::path(
    delete, path = "/users/me", tag = "users", request_body = DeleteMe, security(("access_token" = [])),
    params(("if-match" = String, Header, description = "The `ETag` of the version that was read", example = "\"1\"")),
    responses(
        (status = 204, description = "The account is gone"),
        ConfirmedProblems, BodyProblems, VersionProblems, ConflictProblems,
    )
)]
pub(crate) async fn delete_me(
    State(state): State<AppState>,
    user: CurrentUser,
    expected: IfMatch,
    client: ClientAddress,
    tx: Tx,
    ValidJson(sent): ValidJson<DeleteMe>,
) -> Result<StatusCode, ApiError> {
    expected.check(user.version)?;
    let Confirmed { turn, hash } = confirm(&state, &user, client, sent.current_password).await?;
    drop(turn);
    let mut tx = tx.begin().await?;
    if user.role == Role::Admin {
        keep_another_admin(&mut tx, user.id).await?;
    }
    // A change of the password does not raise the version. Of the two at once, the later one finds the hash gone that it was
    // checked against.
    let gone = tx
        .query("DELETE FROM users WHERE id = $1 AND version = $2 AND password_hash = $3")
        .bind(user.id)
        .bind(user.version)
        .bind(hash);
    if gone.execute().await? == 0 {
        return Err(ApiError::PreconditionFailed);
    }
    tracing::info!(user = %user.id, "deleted the own account");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};
    use time::Duration;

    use crate::{
        db::Executor,
        testing::{ADA, TestApp},
    };

    const ME: &str = "/api/v1/users/me";

    #[tokio::test]
    async fn the_own_account_is_shown_with_the_fields_that_are_meant_to_be_shown() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let answer = app.get_as(&session.access, ME).await;

        answer.assert_status(StatusCode::OK);
        assert_eq!(answer.header("etag"), "\"1\"");
        insta::assert_json_snapshot!(answer.json(), { ".id" => insta::dynamic_redaction(|id, _| {
            // Checks what it hides.
            assert_eq!(id.as_str().map(str::len), Some(36));
            "[id]"
        }) }, @r#"
        {
          "address": null,
          "created_at": "2026-01-01T12:00:00Z",
          "email": "ada@example.com",
          "id": "[id]",
          "name": "Ada Lovelace",
          "role": "user",
          "version": 1
        }
        "#);
        let known = app.get_if_changed(&session.access, ME, "\"1\"").await;
        known.assert_status(StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn the_token_of_a_deleted_user_is_invalid_and_not_unknown() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        app.delete_me(&session.access, "\"1\"", ADA.password).await.assert_status(StatusCode::NO_CONTENT);

        let answer = app.get_as(&session.access, ME).await;
        answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.refresh(&session.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
        let login = app.post("/api/v1/auth/login", &ADA.login()).await;
        login.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
    }

    #[tokio::test]
    async fn an_access_token_alone_does_not_delete_the_account_and_each_guess_counts_like_a_failed_login() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        let without = app.delete_as(&session.access, ME, "\"1\"").await;
        without.assert_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type");
        for _ in 0..5 {
            let answer = app.delete_me(&session.access, "\"1\"", "a guess").await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
        }

        let answer = app.delete_me(&session.access, "\"1\"", ADA.password).await;

        answer.assert_problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
        app.get_as(&session.access, ME).await.assert_status(StatusCode::OK);
        app.pass(Duration::minutes(2));
        let answer = app.delete_me(&session.access, "\"1\"", ADA.password).await;
        answer.assert_status(StatusCode::NO_CONTENT);
    }

    #[tokio::test]
    async fn an_account_that_has_changed_since_it_was_read_is_not_deleted_and_no_password_is_hashed() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        app.patch_as(&session.access, ME, "\"1\"", &json!({ "name": "Ada King" })).await;
        let hashes = app.hashes();

        let answer = app.delete_me(&session.access, "\"1\"", ADA.password).await;

        answer.assert_problem(StatusCode::PRECONDITION_FAILED, "precondition-failed");
        assert_eq!(app.hashes(), hashes);
    }

    #[tokio::test]
    async fn an_account_whose_password_changes_after_the_check_is_not_deleted() {
        for app in TestApp::start_on_each_engine().await {
            let session = app.session(&ADA).await;
            // Not committed yet, so the check still sees the old hash; what deletes waits for this transaction.
            let mut change = app.state().db.begin().await.unwrap();
            change.query("UPDATE users SET password_hash = 'another'").execute().await.unwrap();
            let (deleting, hashes) = (app.clone(), app.hashes());
            let deleted = tokio::spawn(async move {
                deleting.delete_me(&session.access, "\"1\"", ADA.password).await.status()
            });
            while app.hashes() == hashes {
                tokio::task::yield_now().await;
            }

            change.commit().await.unwrap();

            assert_eq!(deleted.await.unwrap(), StatusCode::PRECONDITION_FAILED, "{app:?}");
            assert_eq!(app.count("SELECT count(*) FROM users").await, 1, "{app:?}");
        }
    }

    #[tokio::test]
    async fn an_address_is_set_replaced_and_taken_away() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        let address = json!({ "street": "12 St James's Square", "city": "London", "country": "GB" });
        for (version, body, expected) in [
            (1, json!({ "address": address }), &address),
            (2, json!({ "name": "Ada King" }), &address),
            (3, json!({ "address": null }), &Value::Null),
        ] {
            let answer = app.patch_as(&session.access, ME, &format!("\"{version}\""), &body).await;
            answer.assert_status(StatusCode::OK);
            assert_eq!(answer.json()["address"], *expected, "{body}");
            assert_eq!(app.get_as(&session.access, ME).await.json(), answer.json());
        }
        let old = app.patch_as(&session.access, ME, "\"3\"", &json!({ "name": "Ada" })).await;
        old.assert_problem(StatusCode::PRECONDITION_FAILED, "precondition-failed");
    }

    #[tokio::test]
    async fn every_fault_of_a_nested_value_is_reported_at_its_own_place() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let body = json!({ "name": "", "address": { "street": "", "city": "a\tb", "country": "gb" } });
        let answer = app.patch_as(&session.access, ME, "\"1\"", &body).await;

        answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
        let errors = answer.json()["errors"].clone();
        let pointers: Vec<_> = errors.as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert_eq!(pointers, ["/address/city", "/address/country", "/address/street", "/name"]);
        for (body, pointer) in [
            (json!({ "address": { "street": "a", "city": "b" } }), "/address/country"),
            (json!({ "address": { "street": "a", "city": "b", "country": 5 } }), "/address/country"),
            (
                json!({ "address": { "street": "a", "city": "b", "country": "GB", "zip": "" } }),
                "/address/zip",
            ),
            (json!({ "name": null }), "/name"),
        ] {
            let answer = app.patch_as(&session.access, ME, "\"1\"", &body).await;
            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
        }
    }
}
