//! What people write. The answers are right, and functional tests on them are green.

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use lab::Probes;
use tokio::task::JoinSet;

use crate::{
    AuthorResponse, AuthorRow, BookRow, Library, Page, PageParameters, library::failed, pages::shelf,
};

/// A handler that asks for the authors, and then for the books of each.
pub async fn query_per_author(probes: Probes) -> Router {
    // ANCHOR: query_per_author
    async fn authors(State(library): State<Library>) -> Result<Json<Vec<AuthorResponse>>, StatusCode> {
        let rows: Vec<AuthorRow> = sqlx::query_as("SELECT id, name FROM authors ORDER BY name, id LIMIT 100")
            .fetch_all(&library)
            .await
            .map_err(failed)?;
        let mut authors = Vec::with_capacity(rows.len());
        for row in rows {
            // One more statement for each author: the page of a hundred authors costs a hundred and one.
            let books = sqlx::query_scalar("SELECT title FROM books WHERE author_id = ? ORDER BY title")
                .bind(row.id)
                .fetch_all(&library)
                .await
                .map_err(failed)?;
            authors.push(AuthorResponse { name: row.name, books });
        }
        Ok(Json(authors))
    }

    Router::new().route("/authors", get(authors)).with_state(Library::new(&probes).await)
    // ANCHOR_END: query_per_author
}

/// The same statements, sent beside each other: the remedy of somebody who has looked at the waiting time only.
pub async fn all_at_once(probes: Probes) -> Router {
    // ANCHOR: all_at_once
    async fn authors(State(library): State<Library>) -> Result<Json<Vec<AuthorResponse>>, StatusCode> {
        let rows: Vec<AuthorRow> = sqlx::query_as("SELECT id, name FROM authors ORDER BY name, id LIMIT 100")
            .fetch_all(&library)
            .await
            .map_err(failed)?;
        let mut asked = JoinSet::new();
        for (place, row) in rows.into_iter().enumerate() {
            let library = library.clone();
            // As many statements as before, now all at once: they queue at the pool, in front of everybody else's.
            asked.spawn(async move {
                let books = sqlx::query_scalar("SELECT title FROM books WHERE author_id = ? ORDER BY title")
                    .bind(row.id)
                    .fetch_all(&library)
                    .await?;
                Ok::<_, sqlx::Error>((place, AuthorResponse { name: row.name, books }))
            });
        }
        let answers: Result<Vec<_>, _> = asked.join_all().await.into_iter().collect();
        let mut authors = answers.map_err(failed)?;
        authors.sort_by_key(|(place, _)| *place);
        Ok(Json(authors.into_iter().map(|(_, author)| author).collect()))
    }

    Router::new().route("/authors", get(authors)).with_state(Library::new(&probes).await)
    // ANCHOR_END: all_at_once
}

/// A list that is paged by counting rows, as many as the client likes.
pub async fn offset(probes: Probes) -> Router {
    // ANCHOR: offset
    async fn books(
        State(library): State<Library>,
        Query(page): Query<PageParameters>,
    ) -> Result<Json<Page>, StatusCode> {
        // A default is no bound: a million passes, and SQLite reads a negative LIMIT as "no limit".
        let limit = page.limit.unwrap_or(100);
        let offset: i64 = match &page.after {
            Some(after) => after.parse().map_err(|_| StatusCode::BAD_REQUEST)?,
            None => 0,
        };
        let rows: Vec<BookRow> = sqlx::query_as(
            "SELECT id, title, published FROM books ORDER BY published DESC, id DESC LIMIT ? OFFSET ?",
        )
        .bind(limit)
        .bind(offset)
        .fetch_all(&library)
        .await
        .map_err(failed)?;
        // Counts places in a list that others change: a row added in front moves every row one place on.
        let next = (i64::try_from(rows.len()) == Ok(limit)).then(|| (offset + limit).to_string());
        Ok(Page::of(rows, next))
    }

    shelf(get(books), Library::new(&probes).await)
    // ANCHOR_END: offset
}

/// A list that is paged by the last row's year.
pub async fn half_a_key(probes: Probes) -> Router {
    // ANCHOR: half_a_key
    async fn books(
        State(library): State<Library>,
        Query(page): Query<PageParameters>,
    ) -> Result<Json<Page>, StatusCode> {
        let limit = page.limit.unwrap_or(20).clamp(1, 100);
        let before: i64 = match &page.after {
            Some(after) => after.parse().map_err(|_| StatusCode::BAD_REQUEST)?,
            None => i64::MAX,
        };
        // A year is not a place in the list: books of the same year as the last one are passed over.
        let rows: Vec<BookRow> = sqlx::query_as(
            "SELECT id, title, published FROM books WHERE published < ? ORDER BY published DESC, id DESC LIMIT ?",
        )
        .bind(before)
        .bind(limit)
        .fetch_all(&library)
        .await
        .map_err(failed)?;
        let full = i64::try_from(rows.len()) == Ok(limit);
        let next = rows.last().filter(|_| full).map(|row| row.published.to_string());
        Ok(Page::of(rows, next))
    }

    shelf(get(books), Library::new(&probes).await)
    // ANCHOR_END: half_a_key
}
