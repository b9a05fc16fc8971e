//! The reference API: accounts, sessions and items, as a senior engineer would put them into production.
//!
//! # How it is cut
//!
//! By feature, not by kind. Whoever changes how a login works opens `auth/login.rs` and finds all of it: the request type, the
//! handler, the SQL, the tests. An endpoint is a file that reads from top to bottom. A resource is a folder with a
//! `router()`. What all of them need stands beside them, in a module that is named for what it is.
//!
//! There is no layer of services that pass calls on, and no repository for each table: one statement in a handler is
//! easier to read than the same statement behind three names. A seam stands where a test or a second implementation really
//! needs one: the clock and the randomness (`clock.rs`).
//!
//! | in a FastAPI project | what it is for | here |
//! | --- | --- | --- |
//! | `main.py` | builds the app | [`app`], and `main.rs` for the process around it |
//! | `api/v1/endpoints/users.py` | endpoints | one file each: `users/me.rs`, `auth/login.rs`, `items/create.rs` |
//! | `api/v1/api.py` | puts the routers together | [`routes`] |
//! | `api/deps.py`, `dependencies.py` | what endpoints depend on | extractors: `extract/`, [`auth::CurrentUser`]; shared things: [`AppState`] |
//! | `core/config.py` | settings | [`Settings`] |
//! | `core/security.py` | passwords and tokens | `auth/passwords.rs`, `auth/access_token.rs`, `auth/refresh_token.rs` |
//! | `core/logging.py` | logs | [`telemetry`], and the layers in `layers.rs` |
//! | `schemas/user.py` | what goes over the wire | beside the endpoint that it belongs to: `CreateUser`, `UserResponse` |
//! | `models/user.py` | what is in the table | `UserRow` in `users/mod.rs`; the table itself in `migrations/` |
//! | `services/user_service.py` | the work | the handler |
//! | `db/session.py`, `db/init_db.py` | connections, tables | `db.rs` |
//! | `alembic/` | migrations | `migrations/`, run at start-up |
//! | `utils/helpers.py` | whatever had no name | nothing: what has no name is not finished |
//! | `tests/` | tests | at the foot of the file that they test; the harness in `testing.rs` |
//!
//! Two apps in one process share nothing: there is no `static` that holds state, and only `main` reads the environment.
//!
//! Read next: `auth/register.rs`, then `auth/refresh.rs`, then `layers.rs`.

pub mod auth;
pub mod clock;
mod db;
mod error;
pub mod extract;
mod health;
mod items;
mod layers;
mod openapi;
pub mod problem;
pub mod settings;
pub mod state;
pub mod telemetry;
#[cfg(test)]
mod testing;
mod users;

use axum::{Router, middleware::from_fn_with_state};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use db::OpenError;
pub use error::ApiError;
pub use settings::{Settings, SettingsError};
pub use state::{AppState, StartError};

/// The whole service: the routes, and a problem for every path that is none.
pub fn app(state: AppState) -> Router {
    layers::around(bare(&state).fallback(not_found), &state)
}

/// The routes alone, for a host that has others beside them: everything is under `/api/v1`, `/docs` and `/health`. What no
/// route matches is left to the host.
pub fn routes(state: AppState) -> Router {
    layers::around(bare(&state), &state)
}

fn bare(state: &AppState) -> Router {
    let (router, document) = documented(state).split_for_parts();
    router
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state.clone())
        .merge(openapi::docs_page(document))
}

fn documented(state: &AppState) -> OpenApiRouter<AppState> {
    // ANCHOR: guarded_by_default
    let open = auth::router();
    // The guard is put around the merged router, last. A route that is added to one of these resources is inside it; a
    // route that shall be open has to be moved to the line above, where a reviewer sees it.
    let guarded = OpenApiRouter::new()
        .merge(users::router())
        .merge(items::router())
        .route_layer(from_fn_with_state(state.clone(), auth::require_user));
    // ANCHOR_END: guarded_by_default
    OpenApiRouter::with_openapi(openapi::ApiDoc::openapi())
        .nest("/api/v1", open.merge(guarded))
        .merge(health::router())
}

async fn not_found() -> ApiError {
    ApiError::NotFound
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::{ADA, TestApp};

    const OPEN: [&str; 6] = [
        "/api/v1/auth/login",
        "/api/v1/auth/logout",
        "/api/v1/auth/refresh",
        "/api/v1/auth/register",
        "/health/live",
        "/health/ready",
    ];

    #[tokio::test]
    async fn every_documented_route_but_the_named_ones_asks_for_a_login() {
        let app = TestApp::start().await;
        let document = app.get("/api/v1/openapi.json").await.json();
        let mut guarded = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let answer = app.send(method, path, None).await;
                if OPEN.contains(&path.as_str()) {
                    assert_ne!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
                } else {
                    answer.assert_problem(StatusCode::UNAUTHORIZED, "authentication-required");
                    assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
                    guarded += 1;
                }
            }
        }
        assert_eq!(guarded, 4, "guarded operations");
    }

    #[tokio::test]
    async fn the_contract_is_as_it_was_agreed() {
        let app = TestApp::start().await;
        insta::assert_json_snapshot!("contract", app.get("/api/v1/openapi.json").await.json());
    }

    #[tokio::test]
    async fn the_docs_page_loads_nothing_from_elsewhere() {
        let app = TestApp::start().await;
        let page = app.get("/docs/").await;
        page.assert_status(StatusCode::OK);
        assert!(page.text().contains("swagger-ui"));
        for file in ["/docs/", "/docs/swagger-initializer.js"] {
            let text = app.get(file).await.text().to_owned();
            assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "{file}");
        }
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

    #[tokio::test]
    async fn credentials_in_the_wrong_form_do_not_open_anything() {
        let app = TestApp::start().await;
        let token = app.session(&ADA).await.access;
        for (header, status) in [
            (format!("bearer {token}"), 200),
            (format!("BEARER {token}"), 200),
            (format!("Bearer  {token}"), 401),
            (format!("Basic {token}"), 401),
            (format!("Bearer {token}="), 401),
            (format!("Bearer {token}.{token}"), 401),
            ("Bearer".to_owned(), 401),
            (token, 401),
        ] {
            let answer = app.send("get", "/api/v1/users/me", Some(&header)).await;
            assert_eq!(answer.status().as_u16(), status, "{header}");
        }
    }
}
