//! mistake: a default where a bound is needed. Whoever names a limit gets as much as they name.
//! fails: a_limit_out_of_bounds_is_refused

#[path = "../checks.rs"]
mod checks;

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use n_plus_one::{AuthorResponse, AuthorRow, Library, PageParameters};
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
    let (name, id) = match &page.after {
        Some(cursor) => read_cursor(cursor).ok_or(StatusCode::UNPROCESSABLE_ENTITY)?,
        // Every name is greater than the empty one, and every identifier greater than 0.
        None => (String::new(), 0),
    };
    let mut authors: Vec<AuthorRow> =
        sqlx::query_as("SELECT id, name FROM authors WHERE (name, id) > (?, ?) ORDER BY name, id LIMIT ?")
            .bind(name)
            .bind(id)
            .bind(limit.saturating_add(1))
            .fetch_all(&library)
            .await
            .map_err(failed)?;
    let fits = usize::try_from(limit).unwrap_or(authors.len());
    let more = authors.len() > fits;
    authors.truncate(fits);
    let next = authors.last().filter(|_| more).map(|last| format!("{}.{}", last.id, last.name));
    Ok(Json(Page { items: with_books(&library, authors).await.map_err(failed)?, next }))
}

async fn with_books(library: &Library, authors: Vec<AuthorRow>) -> Result<Vec<AuthorResponse>, sqlx::Error> {
    let ids: Vec<i64> = authors.iter().map(|author| author.id).collect();
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT author_id, title FROM books
         WHERE author_id IN (SELECT value FROM json_each(?)) ORDER BY title",
    )
    .bind(serde_json::json!(ids).to_string())
    .fetch_all(library)
    .await?;
    let mut books_of = HashMap::<i64, Vec<String>>::new();
    for (author, title) in rows {
        books_of.entry(author).or_default().push(title);
    }
    let with_books = |author: AuthorRow| AuthorResponse {
        name: author.name,
        books: books_of.remove(&author.id).unwrap_or_default(),
    };
    Ok(authors.into_iter().map(with_books).collect())
}

/// The key of the last author of a page: the identifier, a dot, the name.
fn read_cursor(cursor: &str) -> Option<(String, i64)> {
    let (id, name) = cursor.split_once('.')?;
    Some((name.to_owned(), id.parse().ok()?))
}
