//! `POST /items`: keep something new.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ItemResponse, ItemRow, dates::DateRange};
use crate::{
    auth::CurrentUser,
    clock::new_id,
    db::Executor,
    error::ApiError,
    extract::{ETag, Rules, Tx, ValidJson, folded, line, prose},
    live::Events,
    openapi::{BodyProblems, RepetitionProblems, TokenProblems},
    state::AppState,
};

/// A new item. Its owner is whoever sends it.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct CreateItem {
    /// What it is.
    #[garde(length(chars, min = 1, max = 200), custom(line))]
    #[schema(example = "Umbrella", min_length = 1, max_length = 200)]
    title: String,
    /// More about it.
    #[garde(inner(length(chars, max = 2000), custom(prose)))]
    #[schema(example = "Black, one spoke bent", max_length = 2000)]
    description: Option<String>,
    /// When it can be had.
    #[garde(dive)]
    availability: Option<DateRange>,
}

/// Create an item
///
/// With an `Idempotency-Key`, the same request can be sent again for a day: it is answered like the first and makes nothing
/// new.
#[utoipa::path(
    post, path = "/items", tag = "items", request_body = CreateItem, security(("access_token" = [])),
    params(("idempotency-key" = Option<String>, Header, description = "One for each item to be made, such as a UUID", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    responses(
        (status = 201, description = "The item was made", body = ItemResponse, headers(
            ("location" = String, description = "Where the item is"),
            ("etag" = String, description = "Its version"),
        )),
        TokenProblems, BodyProblems, RepetitionProblems,
    )
)]
pub(crate) async fn create_item(
    State(state): State<AppState>,
    user: CurrentUser,
    tx: Tx,
    events: Events,
    ValidJson(new): ValidJson<CreateItem>,
) -> Result<impl IntoResponse, ApiError> {
    let mut tx = tx.begin().await?;
    let item: ItemRow = tx
        .query(
            "INSERT INTO items
             (id, owner_id, title, title_folded, description, available_from, available_until, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             RETURNING id, title, description, available_from, available_until, created_at, version",
        )
        .bind(new_id(&*state.clock, &*state.random))
        .bind(user.id)
        .bind(new.title.as_str())
        .bind(folded(&new.title))
        .bind(new.description)
        .bind(new.availability.map(|range| range.from))
        .bind(new.availability.map(|range| range.until))
        .bind(state.clock.now())
        .fetch_one()
        .await?;
    let (location, version) = (format!("/api/v1/items/{}", item.id), ETag(item.version));
    let item = ItemResponse::from(item);
    events.note(&mut tx, user.id, "item.created", &item).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], version, Json(item)))
}

#[cfg(test)]
mod tests {
    use axum::http::{Request, StatusCode};
    use serde_json::json;
    use time::Duration;

    use crate::testing::{ADA, Answer, EVE, TestApp};

    #[tokio::test]
    async fn a_new_item_is_found_where_its_location_says() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let answer = app.post_as(&session.access, "/api/v1/items", &json!({ "title": "Umbrella" })).await;

        answer.assert_status(StatusCode::CREATED);
        let found = app.get_as(&session.access, answer.header("location")).await;
        found.assert_status(StatusCode::OK);
        assert_eq!(found.json(), answer.json());
    }

    #[tokio::test]
    async fn an_owner_cannot_be_chosen() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        let body = json!({ "title": "Umbrella", "owner_id": "00000000-0000-0000-0000-000000000000" });
        let answer = app.post_as(&session.access, "/api/v1/items", &body).await;

        answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/owner_id");
    }

    #[tokio::test]
    async fn a_title_is_counted_in_characters_and_not_in_bytes() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;
        for (title, status) in [("é".repeat(200), 201), ("é".repeat(201), 422), (String::new(), 422)] {
            let answer = app.post_as(&session.access, "/api/v1/items", &json!({ "title": title })).await;
            assert_eq!(answer.status().as_u16(), status, "{title}");
        }
    }

    async fn send(app: &TestApp, token: &str, key: &str, title: &str) -> Answer {
        let request = Request::post("/api/v1/items")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", key);
        app.call(request.body(json!({ "title": title }).to_string().into()).unwrap()).await
    }

    #[tokio::test]
    async fn p04_a_request_that_is_repeated_has_one_effect_and_one_answer() {
        let app = TestApp::start().await;
        let (ada, eve) = (app.session(&ADA).await, app.session(&EVE).await);
        let first = send(&app, &ada.access, "key-1", "Umbrella").await;
        first.assert_status(StatusCode::CREATED);

        app.pass(Duration::hours(23));
        let ada = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();
        let again = send(&app, &ada.access, "key-1", "Umbrella").await;
        again.assert_status(StatusCode::CREATED);
        assert_eq!(again.text(), first.text());
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(again.header("etag"), first.header("etag"));
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(app.count("SELECT count(*) FROM items").await, 1);

        let other = send(&app, &ada.access, "key-1", "Parasol").await;
        other.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reuse");
        // Somebody else's key of the same name is another key.
        let eve = app.refresh(&eve.refresh).await.tokens();
        send(&app, &eve.access, "key-1", "Parasol").await.assert_status(StatusCode::CREATED);
        app.pass(Duration::hours(1));
        let ada = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();
        send(&app, &ada.access, "key-1", "Parasol").await.assert_status(StatusCode::CREATED);
        assert_eq!(app.count("SELECT count(*) FROM items").await, 3);
    }

    #[tokio::test]
    async fn p04_a_key_is_taken_if_and_only_if_the_document_says_so() {
        let app = TestApp::start().await;
        let ada = app.session(&ADA).await;
        let document = app.get("/api/v1/openapi.json").await.json();
        let said = &document["paths"]["/api/v1/items"]["post"]["parameters"][0];
        let expected =
            json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
        assert_eq!((&said["name"], &said["schema"]), (&json!("idempotency-key"), &expected));

        let visible: String = ('!'..='~').collect();
        for key in ["x", visible.as_str(), &"x".repeat(255)] {
            send(&app, &ada.access, key, "Umbrella").await.assert_status(StatusCode::CREATED);
        }
        for key in ["", "a b", "a\tb", "é", &"x".repeat(256)] {
            let answer = send(&app, &ada.access, key, "Umbrella").await;
            answer.assert_problem(StatusCode::BAD_REQUEST, "invalid-request");
        }
    }

    #[tokio::test]
    async fn p04_fifty_requests_with_one_key_at_once_make_one_item() {
        for app in TestApp::start_on_each_engine().await {
            let session = app.session(&ADA).await;
            let attempts: Vec<_> = (0..50)
                .map(|_| {
                    let (app, token) = (app.clone(), session.access.clone());
                    tokio::spawn(async move { send(&app, &token, "key-1", "Umbrella").await })
                })
                .collect();
            let mut bodies = Vec::new();
            for attempt in attempts {
                let answer = attempt.await.unwrap();
                match answer.status() {
                    StatusCode::CREATED => bodies.push(answer.text().to_owned()),
                    _ => answer.assert_problem(StatusCode::CONFLICT, "idempotency-in-progress"),
                }
            }
            bodies.dedup();
            assert_eq!((bodies.len(), app.count("SELECT count(*) FROM items").await), (1, 1), "{app:?}");
        }
    }

    #[tokio::test]
    async fn p04_a_request_that_failed_may_be_mended_and_sent_with_the_same_key() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        send(&app, &session.access, "key-1", "").await.assert_status(StatusCode::UNPROCESSABLE_ENTITY);
        send(&app, &session.access, "key-1", "Umbrella").await.assert_status(StatusCode::CREATED);

        for key in ["", " ", "two words", &"x".repeat(256)] {
            let answer = send(&app, &session.access, key, "Umbrella").await;
            answer.assert_problem(StatusCode::BAD_REQUEST, "invalid-request");
        }
    }
}
