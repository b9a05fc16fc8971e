//! mistake: the limit stands outside of the join, so it counts books. The last author's are cut, and the page is short.
//! fails: a_page_lists_each_author_with_its_books, a_walk_over_the_pages_sees_every_author_once

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use n_plus_one::{AuthorResponse, Library, PageParameters};
use serde::Serialize;

fn app(library: Library) -> Router {
    Router::new().route("/authors", get(list_authors)).with_state(library)
}

#[derive(Serialize)]
struct Page {
    items: Vec<AuthorResponse>,
    next: Option<String>,
}

fn failed(_: sqlx::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn list_authors(
    State(library): State<Library>,
    Query(page): Query<PageParameters>,
) -> Result<Json<Page>, StatusCode> {
    let limit = page.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (name, id): (String, i64) = match &page.after {
        Some(cursor) => serde_json::from_str(cursor).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?,
        None => (String::new(), 0),
    };
    let rows: Vec<(i64, String, Option<String>)> = sqlx::query_as(
        "SELECT a.id, a.name, b.title FROM authors AS a LEFT JOIN books AS b ON b.author_id = a.id
         WHERE (a.name, a.id) > (?, ?) ORDER BY a.name, a.id, b.title LIMIT ?",
    )
    .bind(name)
    .bind(id)
    .bind(limit + 1)
    .fetch_all(&library)
    .await
    .map_err(failed)?;
    let more = i64::try_from(rows.len()).is_ok_and(|rows| rows > limit);
    let shown = usize::try_from(limit).unwrap_or(rows.len());
    let mut authors: Vec<(i64, AuthorResponse)> = Vec::new();
    for (id, name, book) in rows.into_iter().take(shown) {
        if authors.last().is_none_or(|(last, _)| *last != id) {
            authors.push((id, AuthorResponse { name, books: Vec::new() }));
        }
        if let Some((_, author)) = authors.last_mut() {
            author.books.extend(book);
        }
    }
    let next =
        authors.last().filter(|_| more).map(|(id, last)| serde_json::json!([last.name, id]).to_string());
    Ok(Json(Page { items: authors.into_iter().map(|(_, author)| author).collect(), next }))
}
