//! What holds: as many statements as there are questions, not rows; and pages with a cap that follow a key.

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use lab::Probes;

use crate::{
    AuthorResponse, AuthorRow, BookRow, Library, Page, PageParameters, library::failed, pages::shelf,
};

/// The most rows of a page: it bounds the memory and the time of a request, whatever the client asks for.
pub const MOST: i64 = 100;

/// A page of books, newest first. The identifier makes the order total: no two rows share a place.
pub const PAGE_OF_BOOKS: &str = "SELECT id, title, published FROM books
     WHERE (published, id) < (?, ?) ORDER BY published DESC, id DESC LIMIT ?";

/// One statement that brings the books along.
pub async fn join(probes: Probes) -> Router {
    // ANCHOR: join
    async fn authors(State(library): State<Library>) -> Result<Json<Vec<AuthorResponse>>, StatusCode> {
        // The limit stands inside: outside it would count books and cut the last author's in two.
        // LEFT, or authors without a book would be missing.
        let rows: Vec<(i64, String, Option<String>)> = sqlx::query_as(
            "SELECT a.id, a.name, b.title
             FROM (SELECT id, name FROM authors ORDER BY name, id LIMIT 100) AS a
             LEFT JOIN books AS b ON b.author_id = a.id
             ORDER BY a.name, a.id, b.title",
        )
        .fetch_all(&library)
        .await
        .map_err(failed)?;
        let mut authors: Vec<(i64, AuthorResponse)> = Vec::new();
        for (id, name, book) in rows {
            // By identifier: two authors may have one name.
            if authors.last().is_none_or(|(last, _)| *last != id) {
                authors.push((id, AuthorResponse { name, books: Vec::new() }));
            }
            if let Some((_, author)) = authors.last_mut() {
                author.books.extend(book);
            }
        }
        Ok(Json(authors.into_iter().map(|(_, author)| author).collect()))
    }

    Router::new().route("/authors", get(authors)).with_state(Library::new(&probes).await)
    // ANCHOR_END: join
}

/// One statement for the authors, one for all their books.
pub async fn two_statements(probes: Probes) -> Router {
    // ANCHOR: two_statements
    async fn authors(State(library): State<Library>) -> Result<Json<Vec<AuthorResponse>>, StatusCode> {
        let authors: Vec<AuthorRow> =
            sqlx::query_as("SELECT id, name FROM authors ORDER BY name, id LIMIT 100")
                .fetch_all(&library)
                .await
                .map_err(failed)?;
        let ids: Vec<i64> = authors.iter().map(|author| author.id).collect();
        // The list travels as one parameter, so the text of the statement, and its plan, stay the same for any length.
        // On PostgreSQL: `WHERE author_id = ANY($1)`.
        let books: Vec<(i64, String)> = sqlx::query_as(
            "SELECT author_id, title FROM books
             WHERE author_id IN (SELECT value FROM json_each(?)) ORDER BY title",
        )
        .bind(serde_json::json!(ids).to_string())
        .fetch_all(&library)
        .await
        .map_err(failed)?;
        let mut books_of = std::collections::HashMap::<i64, Vec<String>>::new();
        for (author, title) in books {
            books_of.entry(author).or_default().push(title);
        }
        let with_books = |author: AuthorRow| AuthorResponse {
            name: author.name,
            books: books_of.remove(&author.id).unwrap_or_default(),
        };
        Ok(Json(authors.into_iter().map(with_books).collect()))
    }

    Router::new().route("/authors", get(authors)).with_state(Library::new(&probes).await)
    // ANCHOR_END: two_statements
}

/// A list that goes on after a row, and not after a number of rows.
pub async fn keyset(probes: Probes) -> Router {
    // ANCHOR: keyset
    async fn books(
        State(library): State<Library>,
        Query(page): Query<PageParameters>,
    ) -> Result<Json<Page>, StatusCode> {
        let limit = page.limit.unwrap_or(20);
        // Refused, not quietly cut: a client that asks for a thousand and gets a hundred takes them for all there are.
        if !(1..=MOST).contains(&limit) {
            return Err(StatusCode::UNPROCESSABLE_ENTITY);
        }
        let (published, id) = match &page.after {
            Some(cursor) => read_cursor(cursor).ok_or(StatusCode::UNPROCESSABLE_ENTITY)?,
            None => (i64::MAX, i64::MAX),
        };
        // One more than fits on the page: whether it is there says whether there is a next page.
        let mut rows: Vec<BookRow> = sqlx::query_as(PAGE_OF_BOOKS)
            .bind(published)
            .bind(id)
            .bind(limit + 1)
            .fetch_all(&library)
            .await
            .map_err(failed)?;
        let fits = usize::try_from(limit).unwrap_or(rows.len());
        let more = rows.len() > fits;
        rows.truncate(fits);
        let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.published, row.id));
        Ok(Page::of(rows, next))
    }

    /// The key of the last row. It comes back from outside, so it is parsed and bound like any other input. Nothing in it
    /// decides whose rows are shown: that stands in the statement.
    fn read_cursor(cursor: &str) -> Option<(i64, i64)> {
        let (published, id) = cursor.split_once('.')?;
        Some((published.parse().ok()?, id.parse().ok()?))
    }

    shelf(get(books), Library::new(&probes).await)
    // ANCHOR_END: keyset
}
