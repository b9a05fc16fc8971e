//! The library's list of authors, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use n_plus_one::{AuthorResponse, AuthorRow, Library, PageParameters};
use serde::Serialize;

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(library: Library) -> Router {
    Router::new().route("/authors", get(list_authors)).with_state(library)
}

/// What `GET /authors` answers. Keep its fields.
#[derive(Serialize)]
struct Page {
    items: Vec<AuthorResponse>,
    next: Option<String>,
}

/// A page of authors with their books.
async fn list_authors(
    State(library): State<Library>,
    Query(page): Query<PageParameters>,
) -> Result<Json<Page>, StatusCode> {
    let limit = page.limit.unwrap_or(20);
    let offset: i64 = match page.after {
        Some(after) => after.parse().map_err(|_| StatusCode::BAD_REQUEST)?,
        None => 0,
    };
    let rows: Vec<AuthorRow> = sqlx::query_as("SELECT id, name FROM authors ORDER BY name LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(offset)
        .fetch_all(&library)
        .await
        .map_err(failed)?;
    let next = (i64::try_from(rows.len()) == Ok(limit)).then(|| (offset + limit).to_string());
    let mut items = Vec::new();
    for row in rows {
        let books = sqlx::query_scalar("SELECT title FROM books WHERE author_id = ? ORDER BY title")
            .bind(row.id)
            .fetch_all(&library)
            .await
            .map_err(failed)?;
        items.push(AuthorResponse { name: row.name, books });
    }
    Ok(Json(Page { items, next }))
}

/// The cause belongs in the log, never in the answer.
fn failed(_: sqlx::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
