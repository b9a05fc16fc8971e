//! `POST /auth/token`: begin a session by a form, as OAuth 2 clients send it.

use axum::Json;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{email::Email, login::LogIn, password_rules::Password, sessions::TokensResponse};
use crate::{
    error::ApiError,
    extract::UrlEncoded,
    openapi::{BodyProblems, LoginProblems},
};

/// The password grant of OAuth 2 (RFC 6749 §4.3.2). Fields that are not named here are passed over.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordGrant {
    #[expect(dead_code, reason = "there is one value, and reading it has checked it")]
    grant_type: GrantType,
    /// The address of the account.
    #[schema(value_type = String, example = "ada@example.com")]
    username: Email,
    /// Its password.
    password: Password,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum GrantType {
    Password,
}

/// Log in with a form
///
/// The same as `/auth/login` in the form that OAuth 2 clients send, such as the **Authorize** button of this page. Errors are
/// problems like all others. New clients should send JSON: OAuth 2.1 has no password grant any more.
#[utoipa::path(
    post, path = "/auth/token", tag = "auth",
    request_body(content = PasswordGrant, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The session's first tokens", body = TokensResponse),
        BodyProblems, LoginProblems,
    )
)]
pub(crate) async fn log_in_with_form(
    log_in: LogIn,
    UrlEncoded(sent): UrlEncoded<PasswordGrant>,
) -> Result<Json<TokensResponse>, ApiError> {
    log_in.with(sent.username, sent.password).await.map(Json)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::{ADA, Answer, TestApp};

    const FORM: &str = "application/x-www-form-urlencoded";

    async fn send(app: &TestApp, form: &str) -> Answer {
        app.post_raw("/api/v1/auth/token", FORM, form.to_owned().into()).await
    }

    #[tokio::test]
    async fn the_form_of_the_docs_page_begins_a_session() {
        let app = TestApp::start().await;
        app.register(&ADA).await;

        let form = "grant_type=password&username=Ada%40example.com&password=a+long+walk+in+the+rain&scope=&client_id=";
        let tokens = send(&app, form).await.tokens();

        app.get_as(&tokens.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_form_that_is_wrong_is_told_apart_by_cause() {
        let app = TestApp::start().await;
        app.register(&ADA).await;
        for (form, status, slug) in [
            ("grant_type=password&username=ada%40example.com&password=wrong", 401, "invalid-credentials"),
            ("grant_type=client_credentials&username=a&password=b", 422, "validation-failed"),
            ("grant_type=password&username=a", 422, "validation-failed"),
            ("", 422, "validation-failed"),
        ] {
            let answer = send(&app, form).await;
            answer.assert_problem(StatusCode::from_u16(status).unwrap(), slug);
        }
        let answer = send(&app, "grant_type=password&username=a").await;
        assert_eq!(answer.json()["errors"][0]["pointer"], "/password");
        let json = app.post("/api/v1/auth/token", &ADA.login()).await;
        json.assert_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type");
    }
}
