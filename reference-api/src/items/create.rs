//! `POST /items`: keep something new.

use axum::{Json, extract::State, http::StatusCode, http::header, response::IntoResponse};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ItemResponse, ItemRow};
use crate::{
    auth::CurrentUser,
    clock::new_id,
    db::Executor,
    error::ApiError,
    extract::{Rules, ValidJson},
    openapi::{BodyProblems, TokenProblems},
    state::AppState,
};

/// A new item. Its owner is whoever sends it.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct CreateItem {
    /// What it is.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Umbrella", min_length = 1, max_length = 200)]
    title: String,
    /// More about it.
    #[garde(inner(length(chars, max = 2000)))]
    #[schema(example = "Black, one spoke bent", max_length = 2000)]
    description: Option<String>,
}

/// Create an item
#[utoipa::path(
    post, path = "/items", tag = "items", request_body = CreateItem, security(("access_token" = [])),
    responses(
        (status = 201, description = "The item was made", body = ItemResponse, headers(("location" = String, description = "Where the item is"))),
        TokenProblems, BodyProblems,
    )
)]
pub(crate) async fn create_item(
    State(state): State<AppState>,
    user: CurrentUser,
    ValidJson(new): ValidJson<CreateItem>,
) -> Result<impl IntoResponse, ApiError> {
    let item: ItemRow = state
        .db
        .query(
            "INSERT INTO items (id, owner_id, title, description, created_at) VALUES ($1, $2, $3, $4, $5)
             RETURNING id, title, description, created_at",
        )
        .bind(new_id(&*state.clock, &*state.random))
        .bind(user.id)
        .bind(new.title)
        .bind(new.description)
        .bind(state.clock.now())
        .fetch_one()
        .await?;
    let location = format!("/api/v1/items/{}", item.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(ItemResponse::from(item))))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn a_new_item_is_found_where_its_location_says() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let answer = app.post_as(&session.access, "/api/v1/items", &json!({ "title": "Umbrella" })).await;

        answer.assert_status(StatusCode::CREATED);
        let found = app.get_as(&session.access, answer.header("location")).await;
        found.assert_status(StatusCode::OK);
        assert_eq!(found.json(), answer.json());
    }

    #[tokio::test]
    async fn an_owner_cannot_be_chosen() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let body = json!({ "title": "Umbrella", "owner_id": "00000000-0000-0000-0000-000000000000" });
        let answer = app.post_as(&session.access, "/api/v1/items", &body).await;

        answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/owner_id");
    }

    #[tokio::test]
    async fn a_title_is_counted_in_characters_and_not_in_bytes() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for (title, status) in [("é".repeat(200), 201), ("é".repeat(201), 422), (String::new(), 422)] {
            let answer = app.post_as(&session.access, "/api/v1/items", &json!({ "title": title })).await;
            assert_eq!(answer.status().as_u16(), status, "{title}");
        }
    }
}
