//! One statement a page: the database brings the books along, and the limit counts authors because it stands inside.

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
        "SELECT a.id, a.name, b.title
         FROM (SELECT id, name FROM authors WHERE (name, id) > (?, ?) ORDER BY name, id LIMIT ?) AS a
         LEFT JOIN books AS b ON b.author_id = a.id
         ORDER BY a.name, a.id, b.title",
    )
    .bind(name)
    .bind(id)
    .bind(limit + 1)
    .fetch_all(&library)
    .await
    .map_err(failed)?;
    let mut authors: Vec<(i64, AuthorResponse)> = Vec::new();
    for (id, name, book) in rows {
        if authors.last().is_none_or(|(last, _)| *last != id) {
            authors.push((id, AuthorResponse { name, books: Vec::new() }));
        }
        if let Some((_, author)) = authors.last_mut() {
            author.books.extend(book);
        }
    }
    let fits = usize::try_from(limit).unwrap_or(authors.len());
    let more = authors.len() > fits;
    authors.truncate(fits);
    let next =
        authors.last().filter(|_| more).map(|(id, last)| serde_json::json!([last.name, id]).to_string());
    Ok(Json(Page { items: authors.into_iter().map(|(_, author)| author).collect(), next }))
}
