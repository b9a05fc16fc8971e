//! `DELETE /items/{id}`: take an item away.

use axum::http::StatusCode;
use serde_json::json;

use crate::{
    auth::CurrentUser,
    db::Executor,
    error::ApiError,
    extract::{Id, IfMatch, Tx},
    live::Events,
    openapi::{LookupProblems, ParameterProblems, TokenProblems, VersionProblems},
};

/// Delete an item
#[utoipa::path(
    delete, path = "/items/{id}", tag = "items", security(("access_token" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The item"),
        ("if-match" = String, Header, description = "The `ETag` of the version that was read", example = "\"1\""),
    ),
    responses(
        (status = 204, description = "The item is gone"),
        TokenProblems, ParameterProblems, LookupProblems, VersionProblems,
    )
)]
pub(crate) async fn delete_item(
    user: CurrentUser,
    Id(id): Id,
    expected: IfMatch,
    tx: Tx,
    events: Events,
) -> Result<StatusCode, ApiError> {
    let mut tx = tx.begin().await?;
    let version: Option<(i64,)> = tx
        .query("SELECT version FROM items WHERE id = $1 AND owner_id = $2")
        .bind(id)
        .bind(user.id)
        .for_update()
        .fetch_optional()
        .await?;
    let (version,) = version.ok_or(ApiError::NotFound)?;
    expected.check(version)?;
    tx.query("DELETE FROM items WHERE id = $1").bind(id).execute().await?;
    events.note(&mut tx, user.id, "item.deleted", &json!({ "id": id })).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::{ADA, TestApp};

    #[tokio::test]
    async fn a_deleted_item_is_gone_and_a_second_delete_finds_nothing() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        let path = format!("/api/v1/items/{}", app.create_item(&session, "Umbrella").await);

        let old = app.delete_as(&session.access, &path, "\"2\"").await;
        old.assert_problem(StatusCode::PRECONDITION_FAILED, "precondition-failed");
        app.delete_as(&session.access, &path, "\"1\"").await.assert_status(StatusCode::NO_CONTENT);

        let again = app.delete_as(&session.access, &path, "\"1\"").await;
        again.assert_problem(StatusCode::NOT_FOUND, "not-found");
        app.get_as(&session.access, &path).await.assert_problem(StatusCode::NOT_FOUND, "not-found");
    }
}
