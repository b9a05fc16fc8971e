//! The service that every lesson points into: accounts, sessions and items behind an HTTP API.
//!
//! # How the crate is cut
//!
//! By feature, and one endpoint to a file. Whoever changes the login opens `auth/login.rs` and finds all of it in reading
//! order: the request type with its rules, the route with its documentation, the handler, its private parts, its tests. A
//! layered tree (`models/`, `schemas/`, `services/`, `endpoints/`) spreads the same change over four folders, and puts
//! together what has nothing in common but its kind. What several features share stands in a module that is named for what
//! it is: `error`, `extract`, `db`, `clock`.
//!
//! There is no service layer. A handler is ten to thirty lines: it reads its input as types that cannot be wrong, runs one
//! statement or one transaction, and turns rows into a response. A layer in between would have one caller per function. Where
//! a rule is more than that it has a module of its own (`auth/passwords.rs`, `auth/access_token.rs`, `auth/refresh_token.rs`).
//!
//! Nothing is global. [`AppState`] is built once from [`Settings`] and handed in, clock and randomness included, so two
//! services in one process share nothing, and each test has its own.
//!
//! # For those who come from FastAPI
//!
//! | there | here |
//! | --- | --- |
//! | `main.py` | `main.rs` (settings, state, listening), `lib.rs` (routes and layers) |
//! | `api/v1/api.py` | [`routes`]: the routers of the features under `/api/v1` |
//! | `api/v1/endpoints/users.py` | `users/`, one file for each endpoint; so for `auth/`, `items/`, `health/` |
//! | `dependencies.py`, `api/deps.py` | extractors: `extract/` (body, path, page), `auth/current_user.rs`; `FromRef` in `state.rs` |
//! | `core/config.py` | `settings.rs` |
//! | `core/security.py` | `auth/passwords.rs`, `auth/access_token.rs`, `auth/refresh_token.rs` |
//! | `core/logging.py` | `telemetry.rs`, and the span in `layers.rs` |
//! | middleware in `main.py` | `layers.rs` |
//! | exception handlers | `error.rs` (what can fail), `problem.rs` (what a client sees) |
//! | `models/user.py` | `UserRow` in `users/mod.rs`, beside the statements that read it |
//! | `schemas/user.py` | `CreateX` and `XResponse` in the file of the endpoint that takes or gives them |
//! | `services/user_service.py` | the handler; rules that are more than a statement have a module beside it |
//! | `db/session.py`, `db/init_db.py` | `db/`: one enum over SQLite and PostgreSQL |
//! | `alembic/versions/` | `migrations/sqlite/` and `migrations/postgres/`, compiled into the program and run at its start |
//! | `BackgroundTasks`, `worker.py` (Celery) | `jobs/`: a table of the same database, and workers in the same process |
//! | `utils/email.py` | `mail.rs`: a folder by default, SMTP by setting |
//! | `websockets.py`, a connection manager | `live/` |
//! | webhooks, `httpx.AsyncClient` in `app.state` | `webhooks/`, with the one client in `webhooks/mod.rs` |
//! | `core/redis.py` | `shared.rs`: what several replicas share |
//! | `prometheus-fastapi-instrumentator` | `metrics.rs` |
//! | `gunicorn.conf.py`, `lifespan` | `serve.rs`: the accept loop, its limits, the graceful stop |
//! | `Dockerfile`, `docker-compose.yml` | `Dockerfile`, `compose.yaml`, beside this crate's `Cargo.toml` |
//! | `utils/helpers.py` | nothing: a function lives where it is used, or in a module named for what it is |
//! | `tests/conftest.py` | `testing.rs` |
//! | `tests/test_api/` | `mod tests` at the end of the endpoint's own file |
//! | `.env` | the same, and variables such as `DATABASE_URL` and `API_BIND`; a TOML file with `--settings` |
//!
//! Start reading at [`routes`], then `items/create.rs`, the plainest endpoint, then `auth/current_user.rs`.

pub mod auth;
pub mod clock;
mod db;
pub mod error;
pub mod extract;
pub mod health;
pub mod items;
pub mod jobs;
mod layers;
mod live;
pub mod mail;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod serve;
pub mod settings;
mod shared;
pub mod state;
pub mod telemetry;
pub mod users;
pub mod webhooks;

#[cfg(test)]
mod access;
#[cfg(test)]
mod testing;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

pub use crate::{
    db::OpenError,
    error::ApiError,
    settings::{Settings, SettingsError},
    state::{AppState, StartError},
};

/// The service as a program of its own: [`routes`], and a problem for every address that does not exist.
pub fn app(state: AppState) -> Router {
    let (endpoints, _) = endpoints(&state);
    layers::around(endpoints.fallback(not_found).with_state(state.clone()), &state)
}

/// The service as a part of another one: `host.merge(reference_api::routes(state))`.
///
/// It claims `/api/v1`, `/docs`, `/health/live` and `/health/ready`, and has no fallback beyond them, so the host keeps its
/// own. Its layers are around its own routes only; the host's layers, put on after the merge, go around both.
pub fn routes(state: AppState) -> Router {
    let (endpoints, _) = endpoints(&state);
    layers::around(endpoints.with_state(state.clone()), &state)
}

/// All endpoints with the document that describes them, without state and layers.
fn endpoints(state: &AppState) -> (Router<AppState>, utoipa::openapi::OpenApi) {
    // ANCHOR: default_deny
    // A feature's router goes in here and is guarded. To be open it has to be named outside, where a reviewer sees it and
    // the test of all routes has to name it as well.
    let guarded = OpenApiRouter::new()
        .merge(auth::guarded_router())
        .merge(users::router())
        .merge(users::admin_router(state))
        .merge(items::router(state))
        .merge(webhooks::router())
        .merge(jobs::router(state))
        .route_layer(from_fn_with_state(state.clone(), auth::require_user));
    let socket = live::router()
        .route_layer(from_fn_with_state(state.clone(), auth::require_user))
        .route_layer(from_fn(live::token_from_subprotocol));
    let v1 = OpenApiRouter::new()
        .merge(auth::router())
        .merge(guarded)
        .merge(socket)
        .route_layer(from_fn(extract::commit_on_success))
        .route_layer(from_fn_with_state(state.clone(), live::announce_committed))
        .route_layer(from_fn_with_state(state.clone(), layers::shed))
        .route_layer(from_fn(extract::require_json_accepted))
        .fallback(not_found);
    // ANCHOR_END: default_deny
    let (router, mut document) = OpenApiRouter::with_openapi(openapi::Base::openapi())
        .nest("/api/v1", v1)
        .merge(health::router())
        .split_for_parts();
    openapi::complete(&mut document);
    let router = router.merge(openapi::router(&document)).method_not_allowed_fallback(method_not_allowed);
    (router, document)
}

async fn not_found() -> ApiError {
    ApiError::NotFound
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use axum::{Router, http::StatusCode};
    use serde_json::json;

    use crate::testing::{ADA, EVE, TestApp};

    #[tokio::test]
    async fn every_operation_documents_what_can_go_wrong() {
        let app = TestApp::start().await;
        let document = app.get("/api/v1/openapi.json").await.json();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let has = |status| responses.contains_key(status);
                assert!(has("500") && has("503"), "{method} {path}");
                assert!(has("401") || operation["security"].is_null(), "{method} {path}");
                let body = operation["requestBody"].is_object();
                assert!(!body || ["400", "413", "415", "422"].into_iter().all(has), "{method} {path}");
            }
        }
    }

    #[tokio::test]
    async fn the_contract_is_as_it_was_agreed() {
        let app = TestApp::start().await;
        insta::assert_json_snapshot!("contract", app.get("/api/v1/openapi.json").await.json());
    }

    #[tokio::test]
    async fn a_path_or_method_that_does_not_exist_is_a_problem_too() {
        let app = TestApp::start().await;
        for path in ["/", "/nowhere", "/api/v1/nowhere", "/api/v1/items/", "/api/v1//items"] {
            app.get(path).await.assert_problem(StatusCode::NOT_FOUND, "not-found");
        }

        for (method, path, allowed) in [
            ("get", "/api/v1/auth/login", "POST"),
            ("delete", "/api/v1/items", "GET,HEAD,POST"),
            ("post", "/health/live", "GET,HEAD"),
        ] {
            let answer = app.send(method, path, None).await;
            answer.assert_problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
            assert_eq!(answer.header("allow"), allowed, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn a_host_keeps_its_own_routes_and_its_own_fallback() {
        let app = TestApp::start().await;
        let site = || Router::new().route("/", axum::routing::get(|| async { "the host's page" }));
        let host =
            site().merge(crate::routes(app.state().clone())).fallback(|| async { "the host's fallback" });
        let mounted = app.behind(host);

        assert_eq!(mounted.get("/").await.text(), "the host's page");
        assert_eq!(mounted.get("/nowhere").await.text(), "the host's fallback");
        mounted.get("/health/live").await.assert_status(StatusCode::OK);
        mounted.get("/docs/").await.assert_status(StatusCode::OK);
        let session = mounted.session(&ADA).await;
        mounted.get_as(&session.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);
        mounted.get("/api/v1/nowhere").await.assert_problem(StatusCode::NOT_FOUND, "not-found");
        mounted
            .send("delete", "/api/v1/items", None)
            .await
            .assert_problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    }

    #[tokio::test]
    async fn two_apps_in_one_process_share_nothing() {
        let (first, second) = (TestApp::start().await, TestApp::start().await);
        let session = first.session(&ADA).await;

        second
            .get_as(&session.access, "/api/v1/users/me")
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        assert_eq!(second.count("SELECT count(*) FROM users").await, 0);
    }

    /// `BEGIN` and `COMMIT` are counted as well: each is a way to the database and back. One statement of each change of an item
    /// looks for webhooks; one of the registration notes the mail.
    #[tokio::test]
    async fn the_number_of_statements_of_each_endpoint_is_as_it_was() {
        let app = TestApp::start_on_sqlite().await;
        let admin = app.admin_session().await;
        let item = format!("/api/v1/items/{}", app.create_item(&admin, "Umbrella").await);
        let user =
            app.get_as(&admin.access, "/api/v1/users/me").await.json()["id"].as_str().unwrap().to_owned();
        let user = format!("/api/v1/admin/users/{user}");
        let (title, name) = (json!({ "title": "Parasol" }), json!({ "name": "Ada King" }));
        let password = json!({ "current_password": ADA.password, "new_password": ADA.password });
        let refresh = json!({ "refresh_token": admin.refresh });
        let (token, tag) = (admin.access.as_str(), &[("if-match", "*")]);
        let mut lines = String::new();
        for (method, path, headers, body) in [
            ("GET", "/health/live", &[][..], None),
            ("GET", "/health/ready", &[], None),
            ("GET", "/api/v1/users/me", &[], None),
            ("PATCH", "/api/v1/users/me", tag, Some(&name)),
            ("GET", "/api/v1/items", &[], None),
            ("POST", "/api/v1/items", &[], Some(&title)),
            ("POST", "/api/v1/items", &[("idempotency-key", "first")], Some(&title)),
            ("POST", "/api/v1/items", &[("idempotency-key", "first")], Some(&title)),
            ("GET", &item, &[], None),
            ("PATCH", &item, tag, Some(&title)),
            ("DELETE", &item, tag, None),
            ("GET", "/api/v1/admin/users", &[], None),
            ("GET", &user, &[], None),
            ("PATCH", &user, tag, Some(&json!({ "role": "admin" }))),
            ("GET", "/api/v1/auth/sessions", &[], None),
            ("POST", "/api/v1/auth/register", &[], Some(&EVE.registration())),
            ("POST", "/api/v1/auth/login", &[], Some(&EVE.login())),
            ("POST", "/api/v1/auth/refresh", &[], Some(&refresh)),
            ("POST", "/api/v1/auth/change-password", &[], Some(&password)),
            ("POST", "/api/v1/auth/logout", &[], Some(&refresh)),
        ] {
            let before = app.state().db.statements();
            let answer = app.request_as(token, method, path, headers, body).await;
            let sent = app.state().db.statements() - before;
            let path = path.replace(item.rsplit('/').next().unwrap(), "{id}");
            let path = path.replace(user.rsplit('/').next().unwrap(), "{id}");
            let _ = writeln!(lines, "{sent} {method} {path} {}", answer.status().as_u16());
        }
        let eve = app.post("/api/v1/auth/login", &EVE.login()).await.tokens();
        let before = app.state().db.statements();
        let answer = app.delete_me(&eve.access, "*", EVE.password).await;
        let sent = app.state().db.statements() - before;
        let _ = writeln!(lines, "{sent} DELETE /api/v1/users/me {}", answer.status().as_u16());
        insta::assert_snapshot!(lines, @r"
        0 GET /health/live 200
        1 GET /health/ready 200
        1 GET /api/v1/users/me 200
        4 PATCH /api/v1/users/me 200
        2 GET /api/v1/items 200
        5 POST /api/v1/items 201
        8 POST /api/v1/items 201
        5 POST /api/v1/items 201
        2 GET /api/v1/items/{id} 200
        6 PATCH /api/v1/items/{id} 200
        6 DELETE /api/v1/items/{id} 204
        2 GET /api/v1/admin/users 200
        2 GET /api/v1/admin/users/{id} 200
        5 PATCH /api/v1/admin/users/{id} 200
        2 GET /api/v1/auth/sessions 200
        4 POST /api/v1/auth/register 201
        2 POST /api/v1/auth/login 200
        4 POST /api/v1/auth/refresh 200
        7 POST /api/v1/auth/change-password 200
        1 POST /api/v1/auth/logout 204
        5 DELETE /api/v1/users/me 204
        ");
    }
}
