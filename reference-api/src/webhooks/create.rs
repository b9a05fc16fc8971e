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
    /// Where to send events: an `https` address on the internet.
    #[garde(length(chars, max = 500), custom(acceptable))]
    #[schema(example = "https://example.com/hooks/items", max_length = 500)]
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
