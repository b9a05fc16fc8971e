//! Who may call what: the one table of access, checked against the router (P16, P17, P18). It is compiled for tests alone.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{ADA, EVE, TestApp, Tokens};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Anybody,
    User,
    Admin,
}

use Who::{Admin, Anybody, User};

// ANCHOR: access_table
/// A route that is not in this list fails the test, and so does a row without a route.
const ACCESS: [(&str, &str, Who); 29] = [
    ("get", "/api/v1/admin/jobs", Admin),
    ("post", "/api/v1/admin/jobs/{id}/retry", Admin),
    ("get", "/api/v1/admin/users", Admin),
    ("delete", "/api/v1/admin/users/{id}", Admin),
    ("get", "/api/v1/admin/users/{id}", Admin),
    ("patch", "/api/v1/admin/users/{id}", Admin),
    ("post", "/api/v1/auth/change-password", User),
    ("post", "/api/v1/auth/login", Anybody),
    ("post", "/api/v1/auth/logout", Anybody),
    ("post", "/api/v1/auth/logout-all", User),
    ("post", "/api/v1/auth/refresh", Anybody),
    ("post", "/api/v1/auth/register", Anybody),
    ("get", "/api/v1/auth/sessions", User),
    ("delete", "/api/v1/auth/sessions/{id}", User),
    ("post", "/api/v1/auth/token", Anybody),
    ("get", "/api/v1/events", User),
    ("get", "/api/v1/items", User),
    ("post", "/api/v1/items", User),
    ("delete", "/api/v1/items/{id}", User),
    ("get", "/api/v1/items/{id}", User),
    ("patch", "/api/v1/items/{id}", User),
    ("delete", "/api/v1/users/me", User),
    ("get", "/api/v1/users/me", User),
    ("patch", "/api/v1/users/me", User),
    ("get", "/api/v1/webhooks", User),
    ("post", "/api/v1/webhooks", User),
    ("delete", "/api/v1/webhooks/{id}", User),
    ("get", "/health/live", Anybody),
    ("get", "/health/ready", Anybody),
];
// ANCHOR_END: access_table

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Every operation of the document: method, path, and what is said about it.
async fn operations(app: &TestApp) -> Vec<(String, String, Value)> {
    let document = app.get("/api/v1/openapi.json").await.json();
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            all.push((method.clone(), path.clone(), operation.clone()));
        }
    }
    all
}

#[tokio::test]
async fn p16_every_route_of_the_router_has_a_row_and_admits_whom_the_row_names() {
    let app = TestApp::start().await;
    let operations = operations(&app).await;
    let routes: BTreeSet<_> =
        operations.iter().map(|(method, path, _)| (method.as_str(), path.as_str())).collect();
    let rows: BTreeSet<_> = ACCESS.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(routes, rows, "routes on the left, rows of the table on the right");

    let (mut admin, mut user) = (app.admin_session().await, app.session(&EVE).await);
    for (method, path, who) in ACCESS {
        let said = operations.iter().find(|(m, p, _)| m == method && p == path).map(|(_, _, said)| said);
        assert_eq!(
            said.unwrap()["security"].is_null(),
            who == Anybody,
            "{method} {path}: the document says otherwise"
        );
        let path = path.replace("{id}", NOBODY);
        for (name, token, admitted) in [
            ("nobody", "", who == Anybody),
            ("a user", user.access.as_str(), who != Admin),
            ("an administrator", admin.access.as_str(), true),
        ] {
            let answer = app.request_as(token, &method.to_uppercase(), &path, &[], None).await;
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status());
            assert_eq!(!refused, admitted, "{method} {path} as {name}: {}", answer.status());
            if refused && token.is_empty() {
                answer.assert_problem(StatusCode::UNAUTHORIZED, "authentication-required");
            } else if refused {
                answer.assert_problem(StatusCode::FORBIDDEN, "forbidden");
            }
        }
        if path.ends_with("logout-all") {
            admin = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();
            user = app.post("/api/v1/auth/login", &EVE.login()).await.tokens();
        }
    }
}

/// The path of something that is Ada's, for a route that names one thing.
async fn something_of_ada(app: &TestApp, ada: &Tokens, path: &str) -> String {
    let id = if path.contains("/items/") {
        app.create_item(ada, "Umbrella").await
    } else if path.contains("/sessions/") {
        let list = app.get_as(&ada.access, "/api/v1/auth/sessions").await.json();
        list["data"][0]["id"].as_str().unwrap().to_owned()
    } else if path.contains("/webhooks/") {
        let body = json!({ "url": "https://example.com/hook" });
        let answer = app.post_as(&ada.access, "/api/v1/webhooks", &body).await;
        answer.assert_status(StatusCode::CREATED);
        answer.json()["id"].as_str().unwrap().to_owned()
    } else {
        panic!("{path}: say here how to make something of that kind")
    };
    path.replace("{id}", &id)
}

#[tokio::test]
async fn p17_another_users_thing_is_answered_byte_for_byte_like_none_on_every_route() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.session(&ADA).await, app.session(&EVE).await);
    let mut tried = 0;
    for (method, path, _) in ACCESS.iter().filter(|(_, path, who)| path.contains("{id}") && *who == User) {
        let theirs = something_of_ada(&app, &ada, path).await;
        let none = path.replace("{id}", NOBODY);
        let body = (*method == "patch").then(|| json!({}));
        let ask = async |path: &str| {
            app.request_as(&eve.access, &method.to_uppercase(), path, &[("if-match", "\"1\"")], body.as_ref())
                .await
        };

        let (others, absent) = (ask(&theirs).await, ask(&none).await);

        others.assert_problem(StatusCode::NOT_FOUND, "not-found");
        assert_eq!(others.text_without_ids(), absent.text_without_ids(), "{method} {path}");
        assert_eq!(others.headers_without_ids(), absent.headers_without_ids(), "{method} {path}");
        tried += 1;
    }
    assert_eq!(tried, 5, "routes that name one thing of a user");
    // Nothing has happened to any of them.
    app.get_as(&ada.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
    assert_eq!(app.count("SELECT count(*) FROM items").await, 3);
}

#[tokio::test]
async fn p18_a_field_that_is_not_in_the_document_is_refused_on_every_route() {
    let app = TestApp::start().await;
    let admin = app.admin_session().await;
    let mut tried = 0;
    for (method, path, operation) in operations(&app).await {
        if !operation["requestBody"]["content"]["application/json"].is_object() {
            continue;
        }
        for field in ["no_such_field", "id", "owner_id", "created_at", "password_hash", "version"] {
            let path = path.replace("{id}", NOBODY);
            let body = json!({ field: "anything" });
            let headers = [("if-match", "\"1\"")];
            let answer =
                app.request_as(&admin.access, &method.to_uppercase(), &path, &headers, Some(&body)).await;
            answer.assert_problem(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed");
            let error = &answer.json()["errors"][0];
            assert_eq!(
                (&error["pointer"], &error["code"]),
                (&json!(format!("/{field}")), &json!("unknown_field")),
                "{path}"
            );
            tried += 1;
        }
    }
    assert_eq!(tried, 11 * 6, "operations with a JSON body, times fields");
}

#[tokio::test]
async fn p18_no_schema_leaves_room_for_a_field_that_it_does_not_name() {
    let app = TestApp::start().await;
    let document = app.get("/api/v1/openapi.json").await.json();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let objects = schemas.iter().filter(|(_, schema)| schema["properties"].is_object());
    let open: Vec<_> = objects.filter(|(_, schema)| schema["additionalProperties"] != false).collect();
    // RFC 6749 §3.2 wants what it does not know to be passed over.
    assert_eq!(open.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["PasswordGrant"]);
}

#[tokio::test]
async fn p06_whatever_is_wrong_with_a_request_the_answer_is_a_problem_of_the_registry() {
    let app = TestApp::start().await;
    let admin = app.admin_session().await;
    // `TestApp::call` checks every error against the registry; here are the errors.
    let mut errors = 0;
    for (method, path, who) in ACCESS {
        if path.ends_with("logout-all") {
            continue;
        }
        let token = if who == Anybody { "" } else { admin.access.as_str() };
        let method = method.to_uppercase();
        for (path, headers, body) in [
            (path.replace("{id}", NOBODY), vec![("accept", "image/png")], None),
            (path.replace("{id}", "%ff"), vec![], None),
            (path.replace("{id}", "1"), vec![("if-match", "\"1\"")], Some(json!({}))),
            (path.replace("{id}", NOBODY) + "?a=%ff&a", vec![], Some(json!([1]))),
            (path.replace("{id}", NOBODY) + "/more", vec![], None),
            (path.replace("{id}", NOBODY), vec![("content-encoding", "br")], Some(json!({}))),
            (path.replace("{id}", NOBODY), vec![], Some(json!({ "x": "y".repeat(70_000) }))),
        ] {
            let answer = app.request_as(token, &method, &path, &headers, body.as_ref()).await;
            assert!(!answer.status().is_server_error(), "{method} {path}: {}", answer.text());
            errors += usize::from(answer.status().is_client_error());
        }
        let brew = app.request_as(token, "BREW", &path.replace("{id}", NOBODY), &[], None).await;
        brew.assert_problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    }
    assert!(errors > 80, "only {errors} errors were provoked");
}
