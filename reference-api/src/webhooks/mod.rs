//! Webhooks: a user's own server is told about changes of their items, by signed requests.
//!
//! The form is that of Standard Webhooks (<https://www.standardwebhooks.com>): headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`, so that receivers find a library. `destination.rs` decides where a request may go.

mod create;
mod delete;
pub mod destination;
mod list;

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Client, redirect::Policy};
use secrecy::SecretBox;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    auth::secret::derive,
    clock::new_id,
    db::{Executor, Transaction},
    error::{ApiError, Cause},
    jobs::{self, Job},
    settings::Settings,
    state::AppState,
};

/// How many webhooks a user has at the most: each is a request for every change.
const MOST: i64 = 5;

/// The routes of webhooks; all of them need a login.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list_webhooks, create::create_webhook))
        .routes(routes!(delete::delete_webhook))
}

/// What has happened to an item. It goes to the owner's webhooks and sockets.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// What has happened: `item.created`, `item.updated` or `item.deleted`.
    #[serde(rename = "type")]
    #[schema(example = "item.created")]
    pub(crate) kind: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// The item as it is now; of a deleted one, its identifier.
    pub(crate) item: Value,
}

#[derive(sqlx::FromRow)]
struct WebhookRow {
    id: Uuid,
    url: String,
    created_at: OffsetDateTime,
}

/// A webhook, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookResponse {
    id: Uuid,
    #[schema(example = "https://example.com/hooks/items")]
    url: String,
    /// What the deliveries are signed with: HMAC-SHA256, as Standard Webhooks describes.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl WebhookResponse {
    fn of(row: WebhookRow, state: &AppState) -> Self {
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(state.outbound.key(row.id)));
        Self { id: row.id, url: row.url, secret, created_at: row.created_at }
    }
}

/// What goes out to other people's servers: one client, whose connections are kept, and the key that signs.
pub(crate) struct Outbound {
    client: Client,
    key: hmac::Key,
    allow_private: bool,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}

impl Outbound {
    // ANCHOR: outbound_client
    /// One client for the whole service.
    pub(crate) fn new(settings: &Settings, secret: &SecretBox<[u8]>) -> Result<Self, reqwest::Error> {
        let allow_private = settings.webhooks_allow_private;
        let client = Client::builder()
            .user_agent("reference-api")
            .connect_timeout(std::time::Duration::from_secs(5))
            .timeout(std::time::Duration::from_secs(10))
            // A redirect would lead to where nobody has looked.
            .redirect(Policy::none())
            // A proxy would do the looking up, and so the choosing.
            .no_proxy()
            // The addresses that are looked at are those that are connected to: a name that changes in between changes nothing.
            .dns_resolver(destination::PublicOnly { allow_private })
            .build()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, derive(secret, b"webhooks").as_ref());
        Ok(Self { client, key, allow_private })
    }
    // ANCHOR_END: outbound_client

    /// The key of one webhook. Computed, so that a copy of the database does not hold it.
    fn key(&self, webhook: Uuid) -> hmac::Tag {
        hmac::sign(&self.key, webhook.as_bytes())
    }
}

/// Notes an event in the transaction of the change: one job for each of the owner's webhooks.
pub(crate) async fn announce(
    state: &AppState,
    transaction: &mut Transaction,
    owner: Uuid,
    event: &Event,
) -> Result<(), ApiError> {
    let webhooks: Vec<(Uuid,)> = transaction
        .query("SELECT id FROM webhooks WHERE owner_id = $1 LIMIT 5")
        .bind(owner)
        .fetch_all()
        .await?;
    for (webhook,) in webhooks {
        jobs::push(state, &mut *transaction, &Job::Webhook { webhook, event: event.clone() }).await?;
    }
    Ok(())
}

// ANCHOR: webhook_signature
/// Delivers an event. The receiver knows by `webhook-id` what it has seen before, and by the signature who sent it.
pub(crate) async fn deliver(state: &AppState, id: Uuid, webhook: Uuid, event: &Event) -> Result<(), Cause> {
    let url: Option<(String,)> =
        state.db.query("SELECT url FROM webhooks WHERE id = $1").bind(webhook).fetch_optional().await?;
    // Unregistered in the meantime.
    let Some((url,)) = url else { return Ok(()) };
    let outbound = &state.outbound;
    let url = destination::check(&url, outbound.allow_private)?;
    let body = serde_json::to_string(event)?;
    let timestamp = state.clock.now().unix_timestamp();
    let key = hmac::Key::new(hmac::HMAC_SHA256, outbound.key(webhook).as_ref());
    // The time is signed as well: an old delivery that somebody has kept is recognised as old.
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes()));
    let request = outbound.client.post(url).header("content-type", "application/json");
    let request = request.header("webhook-id", id.to_string()).header("webhook-timestamp", timestamp);
    let answer = request.header("webhook-signature", format!("v1,{signature}")).body(body).send().await;
    // Without the address: the error goes into a list that administrators read.
    let status = answer.map_err(reqwest::Error::without_url)?.status();
    if status.is_success() { Ok(()) } else { Err(format!("the receiver answered {status}").into()) }
}
// ANCHOR_END: webhook_signature

/// A new identifier for a webhook.
fn next_id(state: &AppState) -> Uuid {
    new_id(&*state.clock, &*state.random)
}
