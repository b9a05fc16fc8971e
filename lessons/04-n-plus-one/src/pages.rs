//! What both sides share about pages: the parameters, the answer, and the shelf's other routes.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{MethodRouter, delete, post},
};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::{Library, library::failed};

/// The query parameters of a list.
#[derive(Debug, Deserialize)]
pub struct PageParameters {
    /// How many rows at most.
    pub limit: Option<i64>,
    /// Where to go on: `next` of the page before.
    pub after: Option<String>,
}

/// One page of a list of books.
#[derive(Debug, Serialize)]
pub struct Page {
    /// The titles.
    pub items: Vec<String>,
    /// Leads to the next page as `after`; `null` on the last.
    pub next: Option<String>,
}

/// A book as it is read from the database.
#[derive(Debug, FromRow)]
pub struct BookRow {
    /// Its identifier.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// The year in which it came out.
    pub published: i64,
}

/// The body of `POST /books`.
#[derive(Debug, Deserialize)]
pub struct CreateBook {
    /// Its title.
    pub title: String,
    /// The year in which it came out.
    pub published: i64,
}

impl Page {
    /// A page of these books.
    pub(crate) fn of(rows: Vec<BookRow>, next: Option<String>) -> Json<Self> {
        Json(Self { items: rows.into_iter().map(|row| row.title).collect(), next })
    }
}

/// The service around a list of books: books come and go while somebody turns the pages.
pub(crate) fn shelf(list: MethodRouter<Library>, library: Library) -> Router {
    Router::new()
        .route("/books", list.merge(post(create_book)))
        .route("/books/{title}", delete(delete_book))
        .with_state(library)
}

async fn create_book(
    State(library): State<Library>,
    Json(book): Json<CreateBook>,
) -> Result<StatusCode, StatusCode> {
    sqlx::query("INSERT INTO books (author_id, title, published) VALUES (1, ?, ?)")
        .bind(book.title)
        .bind(book.published)
        .execute(&library)
        .await
        .map_err(failed)?;
    Ok(StatusCode::CREATED)
}

async fn delete_book(
    State(library): State<Library>,
    Path(title): Path<String>,
) -> Result<StatusCode, StatusCode> {
    sqlx::query("DELETE FROM books WHERE title = ?").bind(title).execute(&library).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}
