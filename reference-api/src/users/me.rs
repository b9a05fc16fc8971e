//! `GET /users/me`: the caller's own account.

use axum::Json;

use super::UserResponse;
use crate::{auth::CurrentUser, openapi::TokenProblems};

/// Read the own account
#[utoipa::path(
    get, path = "/users/me", tag = "users", security(("access_token" = [])),
    responses(
        (status = 200, description = "The account", body = UserResponse),
        TokenProblems,
    )
)]
pub(crate) async fn get_me(user: CurrentUser) -> Json<UserResponse> {
    // The guard has read the row already: no statement of its own.
    Json(user.into())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn the_own_account_is_shown_with_the_fields_that_are_meant_to_be_shown() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let answer = app.get_as(&session.access, "/api/v1/users/me").await;

        answer.assert_status(StatusCode::OK);
        insta::assert_json_snapshot!(answer.json(), { ".id" => insta::dynamic_redaction(|id, _| {
            // Checks what it hides.
            assert_eq!(id.as_str().map(str::len), Some(36));
            "[id]"
        }) }, @r#"
        {
          "created_at": "2026-01-01T12:00:00Z",
          "email": "ada@example.com",
          "id": "[id]",
          "name": "Ada Lovelace",
          "role": "user"
        }
        "#);
    }

    #[tokio::test]
    async fn the_token_of_a_deleted_user_is_invalid_and_not_unknown() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        app.execute("DELETE FROM users").await;

        app.get_as(&session.access, "/api/v1/users/me")
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
    }
}
