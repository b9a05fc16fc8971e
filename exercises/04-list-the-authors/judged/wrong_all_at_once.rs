//! mistake: the statements are sent beside each other. They are as many as before, and they queue at the pool.
//! fails: a_page_of_a_hundred_authors_takes_two_statements_at_most

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
use tokio::task::JoinSet;

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
    let (name, id) = match &page.after {
        Some(cursor) => read_cursor(cursor).ok_or(StatusCode::UNPROCESSABLE_ENTITY)?,
        // Every name is greater than the empty one, and every identifier greater than 0.
        None => (String::new(), 0),
    };
    let mut authors: Vec<AuthorRow> =
        sqlx::query_as("SELECT id, name FROM authors WHERE (name, id) > (?, ?) ORDER BY name, id LIMIT ?")
            .bind(name)
            .bind(id)
            .bind(limit + 1)
            .fetch_all(&library)
            .await
            .map_err(failed)?;
    let fits = usize::try_from(limit).unwrap_or(authors.len());
    let more = authors.len() > fits;
    authors.truncate(fits);
    let next = authors.last().filter(|_| more).map(|last| format!("{}.{}", last.id, last.name));
    let mut asked = JoinSet::new();
    for (place, author) in authors.into_iter().enumerate() {
        let library = library.clone();
        asked.spawn(async move {
            let books = sqlx::query_scalar("SELECT title FROM books WHERE author_id = ? ORDER BY title")
                .bind(author.id)
                .fetch_all(&library)
                .await?;
            Ok::<_, sqlx::Error>((place, AuthorResponse { name: author.name, books }))
        });
    }
    let answers: Result<Vec<_>, _> = asked.join_all().await.into_iter().collect();
    let mut items = answers.map_err(failed)?;
    items.sort_by_key(|(place, _)| *place);
    Ok(Json(Page { items: items.into_iter().map(|(_, author)| author).collect(), next }))
}

/// The key of the last author of a page: the identifier, a dot, the name.
fn read_cursor(cursor: &str) -> Option<(String, i64)> {
    let (id, name) = cursor.split_once('.')?;
    Some((name.to_owned(), id.parse().ok()?))
}
