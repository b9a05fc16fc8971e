//! `PATCH /items/{id}`: change some fields and leave the others.

use axum::{Json, response::IntoResponse};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ItemResponse, ItemRow, dates::DateRange};
use crate::{
    auth::CurrentUser,
    db::Executor,
    error::ApiError,
    extract::{ETag, Id, IfMatch, Rules, Tx, ValidJson, folded, line, present, prose},
    live::Events,
    openapi::{BodyProblems, LookupProblems, TokenProblems, VersionProblems},
};

// ANCHOR: update_item
/// What changes. A field that is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub(crate) struct UpdateItem {
    /// What it is. It cannot be taken away.
    #[garde(inner(length(chars, min = 1, max = 200), custom(line)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, example = "Umbrella", min_length = 1, max_length = 200)]
    title: Option<String>,
    /// More about it; `null` takes it away.
    #[garde(inner(inner(length(chars, max = 2000), custom(prose))))]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, required = false, max_length = 2000)]
    description: Option<Option<String>>,
    /// When it can be had; `null` takes it away. It is replaced as a whole.
    #[garde(dive)]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<DateRange>, required = false)]
    availability: Option<Option<DateRange>>,
}

/// Change an item
///
/// A field that is absent stays as it is; `null` takes away what can be taken away. `If-Match` names the version that the
/// change is meant for.
#[utoipa::path(
    patch, path = "/items/{id}", tag = "items", request_body = UpdateItem, security(("access_token" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The item"),
        ("if-match" = String, Header, description = "The `ETag` of the version that was read", example = "\"1\""),
    ),
    responses(
        (status = 200, description = "The item after the change", body = ItemResponse, headers(("etag" = String, description = "Its new version"))),
        TokenProblems, BodyProblems, LookupProblems, VersionProblems,
    )
)]
pub(crate) async fn update_item(
    user: CurrentUser,
    Id(id): Id,
    expected: IfMatch,
    tx: Tx,
    events: Events,
    ValidJson(change): ValidJson<UpdateItem>,
) -> Result<impl IntoResponse, ApiError> {
    let mut tx = tx.begin().await?;
    // Read, compare and write under one lock: two clients with the same version in hand cannot both pass the comparison.
    let item: Option<ItemRow> = tx
        .query(
            "SELECT id, title, description, available_from, available_until, created_at, version FROM items
             WHERE id = $1 AND owner_id = $2",
        )
        .bind(id)
        .bind(user.id)
        .for_update()
        .fetch_optional()
        .await?;
    // First whether it is there for the caller, then in which version: a stranger learns neither.
    let mut item = item.ok_or(ApiError::NotFound)?;
    expected.check(item.version)?;
    change.apply_to(&mut item);
    tx.query(
        "UPDATE items SET title = $1, title_folded = $2, description = $3, available_from = $4,
         available_until = $5, version = $6 WHERE id = $7",
    )
    .bind(item.title.as_str())
    .bind(folded(&item.title))
    .bind(item.description.clone())
    .bind(item.available_from)
    .bind(item.available_until)
    .bind(item.version)
    .bind(id)
    .execute()
    .await?;
    let (version, item) = (ETag(item.version), ItemResponse::from(item));
    events.note(&mut tx, user.id, "item.updated", &item).await?;
    Ok((version, Json(item)))
}

impl UpdateItem {
    fn apply_to(self, item: &mut ItemRow) {
        if let Some(title) = self.title {
            item.title = title;
        }
        if let Some(description) = self.description {
            item.description = description;
        }
        if let Some(availability) = self.availability {
            item.available_from = availability.map(|range| range.from);
            item.available_until = availability.map(|range| range.until);
        }
        item.version += 1;
    }
}
// ANCHOR_END: update_item

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{ADA, TestApp, Tokens};

    const PATH: &str = "/api/v1/items";

    async fn umbrella(app: &TestApp) -> (Tokens, String) {
        let session = app.session(&ADA).await;
        let body = json!({
            "title": "Umbrella", "description": "Black",
            "availability": { "from": "2026-06-01", "until": "2026-08-31" },
        });
        let answer = app.post_as(&session.access, PATH, &body).await;
        answer.assert_status(StatusCode::CREATED);
        assert_eq!(answer.header("etag"), "\"1\"");
        (session, answer.header("location").to_owned())
    }

    #[tokio::test]
    async fn an_absent_field_stays_and_null_takes_away() {
        let app = TestApp::start().await;
        let (session, path) = umbrella(&app).await;

        let patch = async |version: i32, body: Value| {
            let answer = app.patch_as(&session.access, &path, &format!("\"{version}\""), &body).await;
            answer.assert_status(StatusCode::OK);
            assert_eq!(answer.header("etag"), format!("\"{}\"", version + 1));
            answer.json()
        };

        let renamed = patch(1, json!({ "title": "Parasol" })).await;
        assert_eq!((&renamed["title"], &renamed["description"]), (&json!("Parasol"), &json!("Black")));
        assert_eq!(renamed["availability"]["until"], "2026-08-31");

        let bare = patch(2, json!({ "description": null, "availability": null })).await;
        assert_eq!((&bare["description"], &bare["availability"]), (&Value::Null, &Value::Null));
        assert_eq!(bare["title"], "Parasol");

        let shown = app.get_as(&session.access, &path).await;
        assert_eq!(shown.json(), bare);
        assert_eq!(shown.header("etag"), "\"3\"");
    }

    #[tokio::test]
    async fn what_cannot_be_taken_away_refuses_null_and_every_fault_is_reported_at_once() {
        let app = TestApp::start().await;
        let (session, path) = umbrella(&app).await;
        let patch = async |body: Value| app.patch_as(&session.access, &path, "\"1\"", &body).await;

        let null = patch(json!({ "title": null })).await;
        null.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
        assert_eq!(null.json()["errors"][0]["pointer"], "/title");

        let bad = patch(json!({
            "title": "two\nlines", "description": "\u{0}",
            "availability": { "from": "2026-06-02", "until": "2026-06-01" },
        }))
        .await;
        bad.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
        insta::assert_json_snapshot!(bad.json()["errors"], @r#"
        [
          {
            "code": "out_of_order",
            "detail": "is before 2026-06-02, where the range begins",
            "pointer": "/availability/until"
          },
          {
            "code": "invalid",
            "detail": "must not have control characters other than tabs and line breaks",
            "pointer": "/description"
          },
          {
            "code": "invalid",
            "detail": "must be one line, without control characters",
            "pointer": "/title"
          }
        ]
        "#);
    }

    #[tokio::test]
    async fn a_change_without_a_version_or_with_an_old_one_changes_nothing() {
        let app = TestApp::start().await;
        let (session, path) = umbrella(&app).await;
        let body = json!({ "title": "Parasol" });

        let blind = app.patch_without_version(&session.access, &path, &body).await;
        blind.assert_problem(StatusCode::PRECONDITION_REQUIRED, "precondition-required");
        for tag in ["\"0\"", "\"2\"", "W/\"1\"", "1", "\"1"] {
            let answer = app.patch_as(&session.access, &path, tag, &body).await;
            answer.assert_problem(StatusCode::PRECONDITION_FAILED, "precondition-failed");
        }

        assert_eq!(app.get_as(&session.access, &path).await.json()["title"], "Umbrella");
        app.patch_as(&session.access, &path, "\"7\", \"1\"", &body).await.assert_status(StatusCode::OK);
        app.patch_as(&session.access, &path, "*", &body).await.assert_status(StatusCode::OK);
    }

    #[tokio::test]
    async fn of_twenty_changes_to_one_version_at_once_one_is_made() {
        for app in TestApp::start_on_each_engine().await {
            let (session, path) = umbrella(&app).await;
            let attempts: Vec<_> = (0..20)
                .map(|number| {
                    let (app, path, token) = (app.clone(), path.clone(), session.access.clone());
                    let body = json!({ "title": format!("Umbrella {number}") });
                    tokio::spawn(async move { app.patch_as(&token, &path, "\"1\"", &body).await.status() })
                })
                .collect();
            let mut made = 0;
            for attempt in attempts {
                match attempt.await.unwrap() {
                    StatusCode::OK => made += 1,
                    other => assert_eq!(other, StatusCode::PRECONDITION_FAILED, "{app:?}"),
                }
            }
            assert_eq!((made, app.count("SELECT version FROM items").await), (1, 2), "{app:?}");
        }
    }
}

#[cfg(test)]
mod model {
    //! P05 against a model: two clients who read and write as they please.

    use axum::http::StatusCode;
    use proptest::{
        collection::vec,
        prelude::{Just, Strategy, any},
        prop_oneof,
        test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
    };
    use serde_json::json;
    use tokio::runtime::Builder;

    use crate::testing::{ADA, TestApp};

    #[derive(Clone, Debug)]
    enum Step {
        Read { client: usize },
        Write { client: usize },
        WriteBlindly,
    }

    fn step() -> impl Strategy<Value = Step> {
        let client = || any::<bool>().prop_map(usize::from);
        prop_oneof![
            4 => client().prop_map(|client| Step::Read { client }),
            4 => client().prop_map(|client| Step::Write { client }),
            1 => Just(Step::WriteBlindly),
        ]
    }

    #[test]
    fn p05_no_client_overwrites_what_it_has_not_read() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (app, session) = runtime.block_on(async {
            let app = TestApp::start().await;
            let session = app.session(&ADA).await;
            (app, session)
        });
        let config = Config { failure_persistence: None, ..Config::default() };
        // The same sequences in every run; PROPTEST_CASES makes more of them.
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let cases = runner.run(&vec(step(), 1..30), |steps| {
            runtime.block_on(async {
                let path = format!("/api/v1/items/{}", app.create_item(&session, "0").await);
                // What the item is, and which version each client has seen last.
                let (mut version, mut title, mut seen) = (1, 0, [1, 1]);
                for (number, step) in steps.into_iter().enumerate() {
                    let body = json!({ "title": (number + 1).to_string() });
                    match step {
                        Step::Read { client } => {
                            let answer = app.get_as(&session.access, &path).await;
                            assert_eq!(answer.json()["title"], title.to_string());
                            seen[client] = answer.header("etag").trim_matches('"').parse().unwrap();
                            assert_eq!(seen[client], version);
                        }
                        Step::Write { client } => {
                            let tag = format!("\"{}\"", seen[client]);
                            let answer = app.patch_as(&session.access, &path, &tag, &body).await;
                            if seen[client] == version {
                                answer.assert_status(StatusCode::OK);
                                (version, title, seen[client]) = (version + 1, number + 1, version + 1);
                            } else {
                                answer.assert_status(StatusCode::PRECONDITION_FAILED);
                            }
                        }
                        Step::WriteBlindly => {
                            let answer = app.patch_without_version(&session.access, &path, &body).await;
                            answer.assert_status(StatusCode::PRECONDITION_REQUIRED);
                        }
                    }
                }
                let last = app.get_as(&session.access, &path).await.json();
                assert_eq!((&last["title"], &last["version"]), (&json!(title.to_string()), &json!(version)));
            });
            Ok(())
        });
        cases.unwrap();
    }
}
