//! `GET /webhooks`: the caller's webhooks.

use axum::extract::State;

use super::{WebhookResponse, WebhookRow};
use crate::{
    auth::CurrentUser,
    db::Executor,
    error::ApiError,
    extract::{Page, PageParameters, PageQuery},
    openapi::{ParameterProblems, TokenProblems},
    state::AppState,
};

/// List the own webhooks
#[utoipa::path(
    get, path = "/webhooks", tag = "webhooks", security(("access_token" = [])), params(PageParameters),
    responses(
        (status = 200, description = "A page of webhooks", body = Page<WebhookResponse>),
        TokenProblems, ParameterProblems,
    )
)]
pub(crate) async fn list_webhooks(
    State(state): State<AppState>,
    user: CurrentUser,
    page: PageQuery,
) -> Result<Page<WebhookResponse>, ApiError> {
    let rows: Vec<WebhookRow> = state
        .db
        .query("SELECT id, url, created_at FROM webhooks WHERE owner_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
        .bind(user.id)
        .bind(page.before())
        .bind(page.rows())
        .fetch_all()
        .await?;
    let Page { data, page } = page.page::<_, WebhookRow>(rows, |row| row.id);
    Ok(Page { data: data.into_iter().map(|row| WebhookResponse::of(row, &state)).collect(), page })
}
