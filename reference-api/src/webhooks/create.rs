//! `POST /webhooks`: be told about changes.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{MOST, WebhookResponse, WebhookRow, destination, next_id};
use crate::{
    auth::CurrentUser,
    db::{Executor, OnConflict, Unique},
    error::ApiError,
    extract::{Rules, ValidJson},
    openapi::{BodyProblems, ConflictProblems, TokenProblems},
    state::AppState,
};

/// An address is told once.
const ONCE: Unique = Unique { name: "webhooks_owner_url_unique", columns: "webhooks.owner_id, webhooks.url" };

/// A new webhook.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct CreateWebhook {
    /// Where to send events: an `https` address on the internet, without user, password and fragment.
    #[garde(length(chars, max = 500), custom(acceptable))]
    #[schema(example = "https://example.com/hooks/items", max_length = 500, pattern = "^https://[!-~]+$")]
    url: String,
}

fn acceptable(url: &str, rules: &Rules) -> garde::Result {
    destination::check(url, rules.webhooks_allow_private).map_err(garde::Error::new)?;
    Ok(())
}

/// Register a webhook
///
/// Every change of an own item is sent there, signed with the secret. A delivery that fails is tried again.
#[utoipa::path(
    post, path = "/webhooks", tag = "webhooks", request_body = CreateWebhook, security(("access_token" = [])),
    responses(
        (status = 201, description = "The webhook was made", body = WebhookResponse),
        TokenProblems, BodyProblems, ConflictProblems,
    )
)]
pub(crate) async fn create_webhook(
    State(state): State<AppState>,
    user: CurrentUser,
    ValidJson(new): ValidJson<CreateWebhook>,
) -> Result<(StatusCode, Json<WebhookResponse>), ApiError> {
    // One statement for the limit and the row, so that two at once do not both find the last place free.
    let row: Option<WebhookRow> = state
        .db
        .query(
            "INSERT INTO webhooks (id, owner_id, url, created_at)
             SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM webhooks WHERE owner_id = $2) < $5
             RETURNING id, url, created_at",
        )
        .bind(next_id(&state))
        .bind(user.id)
        .bind(new.url)
        .bind(state.clock.now())
        .bind(MOST)
        .fetch_optional()
        .await
        .on_conflict(ONCE, ApiError::Conflict("there is a webhook with this address already"))?;
    let row = row.ok_or(ApiError::Conflict("there are five webhooks already; remove one first"))?;
    Ok((StatusCode::CREATED, Json(WebhookResponse::of(row, &state))))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn a_webhook_into_a_private_network_is_refused_and_six_are_too_many() {
        let app = TestApp::start().await;
        let ada = app.session(&ADA).await;
        let register =
            async |url: &str| app.post_as(&ada.access, "/api/v1/webhooks", &json!({ "url": url })).await;

        for url in ["http://example.com/", "https://169.254.169.254/latest", "https://[::1]/"] {
            register(url).await.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
        }
        for number in 0..5 {
            register(&format!("https://example.com/{number}")).await.assert_status(StatusCode::CREATED);
        }
        register("https://example.com/5").await.assert_problem(StatusCode::CONFLICT, "conflict");
        let list = app.get_as(&ada.access, "/api/v1/webhooks").await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), 5);
    }

    #[tokio::test]
    async fn an_address_is_taken_only_if_it_is_as_the_document_says() {
        let app = TestApp::start().await;
        let ada = app.session(&ADA).await;
        let document = app.get("/api/v1/openapi.json").await.json();
        let said = &document["components"]["schemas"]["CreateWebhook"]["properties"]["url"];
        assert_eq!((&said["pattern"], &said["maxLength"]), (&json!("^https://[!-~]+$"), &json!(500)));
        let register =
            async |url: &str| app.post_as(&ada.access, "/api/v1/webhooks", &json!({ "url": url })).await;

        let longest = format!("https://example.com/{}", "x".repeat(480));
        for url in ["https://example.com", "https://example.com/!$&'()*+,;=:@[]~?x=%20", &longest] {
            let answer = register(url).await;
            answer.assert_status(StatusCode::CREATED);
            assert_eq!(answer.json()["url"], url);
        }
        for url in [
            "HTTPS://example.com/",
            " https://example.com/",
            "https://example.com/ ",
            "https://example.com/\n",
            "https://exam\tple.com/",
            "https:example.com",
            "https://ex\u{e4}mple.com/",
            "https://",
            &format!("{longest}x"),
        ] {
            let answer = register(url).await;
            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/url", "{url:?}");
        }
    }
}
