//! Items: what a user keeps. Everybody sees their own and no others.

mod create;
mod get;
mod list;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::state::AppState;

// ANCHOR: router
/// The routes of items; all of them need a login.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list_items, create::create_item)).routes(routes!(get::get_item))
}
// ANCHOR_END: router

/// A row of `items`. The owner is in every `WHERE` and in no answer.
#[derive(Debug, sqlx::FromRow)]
struct ItemRow {
    id: Uuid,
    title: String,
    description: Option<String>,
    created_at: OffsetDateTime,
}

/// An item, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ItemResponse {
    id: Uuid,
    #[schema(example = "Umbrella")]
    title: String,
    #[schema(example = "Black, one spoke bent")]
    #[schema(required)]
    description: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<ItemRow> for ItemResponse {
    fn from(ItemRow { id, title, description, created_at }: ItemRow) -> Self {
        Self { id, title, description, created_at }
    }
}
