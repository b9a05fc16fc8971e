//! Items: what a user keeps. Everybody sees their own and no others.

mod create;
mod dates;
mod delete;
mod get;
mod list;
mod update;

use axum::middleware::from_fn_with_state;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use self::dates::DateRange;
use crate::{
    db::{ReadRow, moment},
    extract::replay_repeated,
    state::AppState,
};

// ANCHOR: router
/// The routes of items; all of them need a login.
pub(crate) fn router(state: &AppState) -> OpenApiRouter<AppState> {
    let create = OpenApiRouter::new()
        .routes(routes!(create::create_item))
        .route_layer(from_fn_with_state(state.clone(), replay_repeated));
    OpenApiRouter::new().routes(routes!(list::list_items)).merge(create).routes(routes!(
        get::get_item,
        update::update_item,
        delete::delete_item
    ))
}
// ANCHOR_END: router

/// A row of `items`. The owner is in every `WHERE` and in no answer.
#[derive(Debug, sqlx::FromRow)]
struct ItemRow {
    id: Uuid,
    title: String,
    description: Option<String>,
    available_from: Option<Date>,
    available_until: Option<Date>,
    created_at: OffsetDateTime,
    version: i64,
}

impl ReadRow for ItemRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            title: row.get(1)?,
            description: row.get(2)?,
            available_from: row.get(3)?,
            available_until: row.get(4)?,
            created_at: moment(row, 5)?,
            version: row.get(6)?,
        })
    }
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
    #[schema(required)]
    availability: Option<DateRange>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Raised by every change. In quotes it is the item's `ETag`.
    #[schema(example = 1)]
    version: i64,
}

impl From<ItemRow> for ItemResponse {
    fn from(row: ItemRow) -> Self {
        let ItemRow { id, title, description, available_from, available_until, created_at, version } = row;
        let availability = available_from.zip(available_until).map(|(from, until)| DateRange { from, until });
        Self { id, title, description, availability, created_at, version }
    }
}
