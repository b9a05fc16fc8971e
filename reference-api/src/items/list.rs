//! `GET /items`: the caller's items, newest first, a page at a time.

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use serde::Deserialize;
use time::{Date, macros::format_description};
use utoipa::IntoParams;

use super::{ItemResponse, ItemRow, dates::four_digits};
use crate::{
    auth::CurrentUser,
    error::ApiError,
    extract::{Page, PageParameters, PageQuery, Parameters, folded},
    openapi::{ParameterProblems, TokenProblems},
    state::AppState,
};

const LONGEST_SEARCH: usize = 100;
/// The pattern that fits every title.
const EVERYTHING: &str = "%";

/// What is asked for: a page of those items that fit.
#[derive(Debug)]
pub(crate) struct ItemQuery {
    page: PageQuery,
    /// A pattern for `LIKE`.
    title: String,
    available_on: Option<Date>,
}

/// The filters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names the parameters for the documentation; `ItemQuery` reads them")]
pub(crate) struct ItemFilters {
    /// A part of the title, in upper or lower case.
    #[param(min_length = 1, max_length = 100)]
    q: Option<String>,
    /// A day on which the item can be had.
    available_on: Option<Date>,
}

impl<S: Send + Sync> FromRequestParts<S> for ItemQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(parts).await?;
        let page = PageQuery::of(&mut parameters);
        let text = "must be 1 to 100 characters without control characters";
        let title = parameters.take("q", "invalid", text, pattern);
        let day = "must be a day such as 2026-06-01";
        let available_on = parameters.take("available_on", "invalid", day, |text| {
            let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
            four_digits(&date).ok().map(|()| date)
        });
        parameters.finish()?;
        Ok(Self { page, title: title.unwrap_or_else(|| EVERYTHING.to_owned()), available_on })
    }
}

// ANCHOR: like_pattern
/// A pattern that finds the text itself: what `LIKE` would read as a wildcard is escaped.
fn pattern(text: &str) -> Option<String> {
    if !(1..=LONGEST_SEARCH).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return None;
    }
    let mut pattern = String::from("%");
    for letter in folded(text).chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Some(pattern)
}
// ANCHOR_END: like_pattern

/// List the own items
#[utoipa::path(
    get, path = "/items", tag = "items", security(("access_token" = [])), params(PageParameters, ItemFilters),
    responses(
        (status = 200, description = "A page of items", body = Page<ItemResponse>),
        TokenProblems, ParameterProblems,
    )
)]
pub(crate) async fn list_items(
    State(state): State<AppState>,
    user: CurrentUser,
    ItemQuery { page, title, available_on }: ItemQuery,
) -> Result<Page<ItemResponse>, ApiError> {
    // ANCHOR: keyset_list
    // One statement for every combination of filters. The index on owner and identifier gives the rows in their order, so the
    // database stops reading when the page is full. With a filter that may be late: the one row that fits may be the oldest.
    let sql = "SELECT id, title, description, available_from, available_until, created_at, version FROM items
               WHERE owner_id = $1 AND id < $2 AND title_folded LIKE $3 ESCAPE '\\'
               AND ($4 IS NULL OR (available_from <= $4 AND available_until >= $4))
               ORDER BY id DESC LIMIT $5";
    let every_row_fits = title == EVERYTHING && available_on.is_none();
    let rows: Vec<ItemRow> = if every_row_fits { state.db.read(sql) } else { state.db.search(sql) }
        .bind(user.id)
        .bind(page.before())
        .bind(title)
        .bind(available_on)
        .bind(page.rows())
        .fetch_all()
        .await?;
    // ANCHOR_END: keyset_list
    Ok(page.page(rows, |row| row.id))
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
            ("limit=1&limit=2", "limit"),
            ("q=", "q"),
            ("q=%00", "q"),
            ("available_on=tomorrow", "available_on"),
            ("available_on=2026-02-30", "available_on"),
            ("available_on=-0001-01-01", "available_on"),
        ] {
            let answer = app.get_as(&session.access, &format!("/api/v1/items?{query}")).await;
            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            assert_eq!(answer.json()["errors"][0]["pointer"], parameter, "{query}");
        }
    }

    #[tokio::test]
    async fn a_search_finds_the_text_itself_in_any_case_and_in_any_script() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for title in ["Übergröße 100%", "under_score", "back\\slash", "Umbrella"] {
            app.pass(Duration::milliseconds(1));
            app.create_item(&session, title).await;
        }
        for (query, found) in [
            ("%C3%BCBERGR%C3%B6SSE", vec![]),
            ("%C3%BCBERGR%C3%96", vec!["Übergröße 100%"]),
            ("%25", vec!["Übergröße 100%"]),
            ("_", vec!["under_score"]),
            ("%5C", vec!["back\\slash"]),
            ("UMB", vec!["Umbrella"]),
            ("%27%20OR%201=1", vec![]),
        ] {
            let answer = app.get_as(&session.access, &format!("/api/v1/items?q={query}")).await;
            answer.assert_status(StatusCode::OK);
            let answer = answer.json();
            let titles: Vec<_> = answer["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["title"].as_str().unwrap())
                .collect();
            assert_eq!(titles, found, "{query}");
        }
    }

    #[tokio::test]
    async fn a_filter_by_day_includes_both_ends_of_the_range() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        app.create_item(&session, "Always to be had, and never said so").await;
        let body = serde_json::json!({
            "title": "Parasol", "availability": { "from": "2026-06-01", "until": "2026-08-31" },
        });
        app.post_as(&session.access, "/api/v1/items", &body).await.assert_status(StatusCode::CREATED);
        for (day, found) in [("2026-05-31", 0), ("2026-06-01", 1), ("2026-08-31", 1), ("2026-09-01", 0)] {
            let answer = app.get_as(&session.access, &format!("/api/v1/items?available_on={day}")).await;
            assert_eq!(answer.json()["data"].as_array().unwrap().len(), found, "{day}");
        }
    }

    #[tokio::test]
    async fn all_bad_parameters_are_named_at_once() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let answer = app.get_as(&session.access, "/api/v1/items?limit=0&cursor=x&q=&sort=title").await;

        let errors = answer.json()["errors"].clone();
        let names: Vec<_> =
            errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(names, ["limit", "cursor", "q", "sort"]);
    }
}
