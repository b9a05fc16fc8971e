//! `GET /items`: the caller's items, newest first, a page at a time.

use axum::{Json, extract::State};
use uuid::Uuid;

use super::{ItemResponse, ItemRow};
use crate::{
    auth::CurrentUser,
    db::Executor,
    error::ApiError,
    extract::{Page, PageParameters, PageQuery},
    openapi::{ParameterProblems, TokenProblems},
    state::AppState,
};

/// List the own items
#[utoipa::path(
    get, path = "/items", tag = "items", security(("access_token" = [])), params(PageParameters),
    responses(
        (status = 200, description = "A page of items", body = Page<ItemResponse>),
        TokenProblems, ParameterProblems,
    )
)]
pub(crate) async fn list_items(
    State(state): State<AppState>,
    user: CurrentUser,
    page: PageQuery,
) -> Result<Json<Page<ItemResponse>>, ApiError> {
    // Without a cursor the page begins above the highest identifier that there can be: one statement for both cases.
    let before = page.after.unwrap_or(Uuid::max());
    let rows: Vec<ItemRow> = state
        .db
        .query(
            "SELECT id, title, description, created_at FROM items
             WHERE owner_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(user.id)
        .bind(before)
        .bind(page.rows())
        .fetch_all()
        .await?;
    Ok(Json(page.page(rows, |row| row.id)))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use time::Duration;

    use crate::testing::{ADA, EVE, TestApp};

    #[tokio::test]
    async fn a_walk_over_the_pages_misses_and_repeats_nothing_while_items_are_added() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for number in 0..7 {
            app.pass(Duration::milliseconds(1));
            app.create_item(&session, &format!("item {number}")).await;
        }

        let mut seen = Vec::new();
        let mut path = "/api/v1/items?limit=3".to_owned();
        loop {
            let page = app.get_as(&session.access, &path).await;
            page.assert_status(StatusCode::OK);
            let page = page.json();
            seen.extend(page["data"].as_array().unwrap().iter().map(|item| item["title"].to_string()));
            app.pass(Duration::milliseconds(1));
            app.create_item(&session, "added meanwhile").await;
            match page["page"]["next_cursor"].as_str() {
                Some(cursor) => path = format!("/api/v1/items?limit=3&cursor={cursor}"),
                None => break,
            }
        }

        let expected: Vec<_> = (0..7).rev().map(|number| format!("\"item {number}\"")).collect();
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn a_list_holds_only_the_own_items() {
        let app = TestApp::start().await;
        let (ada, eve) = (app.session(&ADA).await, app.session(&EVE).await);
        app.create_item(&ada, "Umbrella").await;

        let answer = app.get_as(&eve.access, "/api/v1/items").await;

        assert_eq!(answer.json()["data"], serde_json::json!([]));
    }

    #[tokio::test]
    async fn a_page_has_a_cap_and_a_bad_parameter_is_named() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for (query, parameter) in [
            ("limit=101", "limit"),
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("cursor=elsewhere", "cursor"),
            ("owner_id=1", "owner_id"),
        ] {
            let answer = app.get_as(&session.access, &format!("/api/v1/items?{query}")).await;
            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], parameter, "{query}");
        }
    }
}
