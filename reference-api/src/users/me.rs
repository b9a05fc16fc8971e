//! `GET`, `PATCH` and `DELETE /users/me`: the caller's own account.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Address, AddressRow, UserResponse, keep_another_admin};
use crate::{
    auth::{CurrentUser, Role},
    db::Executor,
    error::ApiError,
    extract::{ETag, IfMatch, IfNoneMatch, Rules, Tx, ValidJson, line, present},
    openapi::{BodyProblems, ConflictProblems, TokenProblems, VersionProblems},
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

/// Delete the own account
///
/// With everything that belongs to it. The last administrator has to make another one first.
#[utoipa::path(
    delete, path = "/users/me", tag = "users", security(("access_token" = [])),
    params(("if-match" = String, Header, description = "The `ETag` of the version that was read", example = "\"1\"")),
    responses((status = 204, description = "The account is gone"), TokenProblems, VersionProblems, ConflictProblems)
)]
pub(crate) async fn delete_me(user: CurrentUser, expected: IfMatch, tx: Tx) -> Result<StatusCode, ApiError> {
    expected.check(user.version)?;
    let mut tx = tx.begin().await?;
    if user.role == Role::Admin {
        keep_another_admin(&mut tx, user.id).await?;
    }
    let gone = tx.query("DELETE FROM users WHERE id = $1 AND version = $2").bind(user.id).bind(user.version);
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

    use crate::testing::{ADA, TestApp};

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

        app.delete_as(&session.access, ME, "\"1\"").await.assert_status(StatusCode::NO_CONTENT);

        let answer = app.get_as(&session.access, ME).await;
        answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.refresh(&session.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
        let login = app.post("/api/v1/auth/login", &ADA.login()).await;
        login.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
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
