//! `GET /items/{id}`: one item.

use axum::{Json, extract::State, response::Response};

use super::{ItemResponse, ItemRow};
use crate::{
    auth::CurrentUser,
    error::ApiError,
    extract::{Id, IfNoneMatch},
    openapi::{LookupProblems, ParameterProblems, TokenProblems},
    state::AppState,
};

/// Read an item
///
/// Somebody else's item is answered like one that does not exist.
#[utoipa::path(
    get, path = "/items/{id}", tag = "items", security(("access_token" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The item"),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of the version that is there already", example = "\"1\""),
    ),
    responses(
        (status = 200, description = "The item", body = ItemResponse, headers(("etag" = String, description = "Its version"))),
        (status = 304, description = "It is as it was", headers(("etag" = String, description = "Its version"))),
        TokenProblems, ParameterProblems, LookupProblems,
    )
)]
pub(crate) async fn get_item(
    State(state): State<AppState>,
    user: CurrentUser,
    Id(id): Id,
    known: IfNoneMatch,
) -> Result<Response, ApiError> {
    // ANCHOR: owner_in_the_query
    // The owner is part of the question. Found first and compared afterwards, the two cases would be two answers.
    let item: Option<ItemRow> = state
        .db
        .read(
            "SELECT id, title, description, available_from, available_until, created_at, version FROM items
             WHERE id = $1 AND owner_id = $2",
        )
        .bind(id)
        .bind(user.id)
        .fetch_optional()
        .await?;
    let item = item.ok_or(ApiError::NotFound)?;
    // ANCHOR_END: owner_in_the_query
    Ok(known.answer(item.version, Json(ItemResponse::from(item))))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::{ADA, EVE, TestApp};

    #[tokio::test]
    async fn another_users_item_is_answered_byte_for_byte_like_none() {
        let app = TestApp::start().await;
        let (ada, eve) = (app.session(&ADA).await, app.session(&EVE).await);
        let id = app.create_item(&ada, "Umbrella").await;

        let others = app.get_as(&eve.access, &format!("/api/v1/items/{id}")).await;
        let none = app.get_as(&eve.access, "/api/v1/items/00000000-0000-0000-0000-000000000000").await;

        others.assert_problem(StatusCode::NOT_FOUND, "not-found");
        assert_eq!(others.text_without_ids(), none.text_without_ids());
        assert_eq!(others.headers_without_ids(), none.headers_without_ids());
    }

    #[tokio::test]
    async fn what_cannot_be_an_identifier_is_refused_and_named() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for id in ["1", "umbrella", "%00", "..%2fusers", "{018f2f6e-0000-7000-8000-000000000000}"] {
            let answer =
                app.get_as(&session.access, &format!("/api/v1/items/{}", id.replace('{', "%7B"))).await;
            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], "id", "{id}");
        }
        let answer = app.get_as(&session.access, "/api/v1/items/%ff").await;
        answer.assert_problem(StatusCode::BAD_REQUEST, "invalid-request");
    }

    #[tokio::test]
    async fn an_item_that_has_not_changed_is_not_sent_again() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        let path = format!("/api/v1/items/{}", app.create_item(&session, "Umbrella").await);
        let ask = async |tag: &str| app.get_if_changed(&session.access, &path, tag).await;

        for known in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
            let answer = ask(known).await;
            answer.assert_status(StatusCode::NOT_MODIFIED);
            assert_eq!((answer.text(), answer.header("etag")), ("", "\"1\""), "{known}");
        }
        for other in ["\"0\"", "1", ""] {
            ask(other).await.assert_status(StatusCode::OK);
        }
    }
}
