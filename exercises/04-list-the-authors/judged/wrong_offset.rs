//! mistake: two statements and a cap, but the page is still found by counting. Authors who come and go move the others.
//! fails: a_walk_over_the_pages_sees_every_author_once

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
    if !(1..=100).contains(&limit) {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let offset: i64 = match &page.after {
        Some(after) => after.parse().map_err(|_| StatusCode::BAD_REQUEST)?,
        None => 0,
    };
    let mut authors: Vec<AuthorRow> =
        sqlx::query_as("SELECT id, name FROM authors ORDER BY name, id LIMIT ? OFFSET ?")
            .bind(limit + 1)
            .bind(offset)
            .fetch_all(&library)
            .await
            .map_err(failed)?;
    let fits = usize::try_from(limit).unwrap_or(authors.len());
    let next = (authors.len() > fits).then(|| (offset + limit).to_string());
    authors.truncate(fits);
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
