//! `DELETE /webhooks/{id}`: not be told any more.

use axum::{extract::State, http::StatusCode};

use crate::{
    auth::CurrentUser,
    db::Executor,
    error::ApiError,
    extract::Id,
    openapi::{LookupProblems, ParameterProblems, TokenProblems},
    state::AppState,
};

/// Remove a webhook
///
/// Deliveries that are waiting are dropped.
#[utoipa::path(
    delete, path = "/webhooks/{id}", tag = "webhooks", security(("access_token" = [])),
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses(
        (status = 204, description = "It is gone"),
        TokenProblems, ParameterProblems, LookupProblems,
    )
)]
pub(crate) async fn delete_webhook(
    State(state): State<AppState>,
    user: CurrentUser,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let removed = state
        .db
        .query("DELETE FROM webhooks WHERE id = $1 AND owner_id = $2")
        .bind(id)
        .bind(user.id)
        .execute()
        .await?;
    if removed == 0 { Err(ApiError::NotFound) } else { Ok(StatusCode::NO_CONTENT) }
}
