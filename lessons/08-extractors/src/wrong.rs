//! What people write. Whoever has a session is served, and whoever has none is refused, at every route that has a test.

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, request::Parts},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use lab::Probes;

use crate::{Account, Directory, NewOrder, Refusal, Role, bearer};

/// The user behind a request.
#[derive(Clone, Debug)]
struct User(Account);

/// The user, who is an administrator.
struct Admin;

// ANCHOR: each_looks_up
impl FromRequestParts<Directory> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, directory: &Directory) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers)?;
        directory.find(token).await.map(User).ok_or(Refusal::Unknown)
    }
}

impl FromRequestParts<Directory> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, directory: &Directory) -> Result<Self, Refusal> {
        // One extractor built from another, as it should be. Each of them runs as often as it is named.
        let User(account) = User::from_request_parts(parts, directory).await?;
        if account.role == Role::Admin { Ok(Self) } else { Err(Refusal::Forbidden) }
    }
}

async fn report(User(account): User, _: Admin) -> String {
    format!("a report for {}", account.name)
}
// ANCHOR_END: each_looks_up

/// A handler with two arguments, each of which looks the user up.
pub async fn each_looks_up(probes: Probes) -> Router {
    Router::new().route("/report", get(report)).with_state(Directory::new(&probes))
}

async fn require_user(_: User, request: Request, next: Next) -> Response {
    next.run(request).await
}

async fn orders() -> &'static str {
    "a lamp"
}

async fn export() -> &'static str {
    "a lamp; to Ada's address"
}

async fn health() -> &'static str {
    "ok"
}

/// A guard around the routes that were there when it was put on.
pub async fn below_the_layer(probes: Probes) -> Router {
    let directory = Directory::new(&probes);
    // ANCHOR: below_the_layer
    let guard = middleware::from_fn_with_state(directory.clone(), require_user);
    let guarded = Router::new()
        .route("/orders", get(orders))
        .route_layer(guard)
        // Half a year later. It stands among the guarded routes, and the guard stands above it.
        .route("/export", get(export));
    // ANCHOR_END: below_the_layer
    guarded.route("/health", get(health)).with_state(directory)
}

/// No guard: a handler that takes a user cannot run without one.
pub async fn user_not_mentioned(probes: Probes) -> Router {
    // ANCHOR: user_not_mentioned
    async fn orders(_: User) -> &'static str {
        "a lamp"
    }

    // It needs no user, so it names none.
    async fn export() -> &'static str {
        "a lamp; to Ada's address"
    }
    // ANCHOR_END: user_not_mentioned

    Router::new()
        .route("/orders", get(orders))
        .route("/export", get(export))
        .route("/health", get(health))
        .with_state(Directory::new(&probes))
}

/// A handler that asks who it is, when it is its turn.
pub async fn checked_in_the_handler(probes: Probes) -> Router {
    // ANCHOR: checked_in_the_handler
    async fn order(
        State(directory): State<Directory>,
        headers: HeaderMap,
        Json(order): Json<NewOrder>,
    ) -> Result<(StatusCode, String), Refusal> {
        // All arguments are there before this line runs: the body was read, and parsed, for anybody.
        let account = directory.find(bearer(&headers)?).await.ok_or(Refusal::Unknown)?;
        Ok((StatusCode::CREATED, format!("{} for {}", order.item, account.name)))
    }
    // ANCHOR_END: checked_in_the_handler

    Router::new().route("/orders", post(order)).with_state(Directory::new(&probes))
}
