//! What holds: the user is looked up once and kept with the request, comes before the body, and is asked for by default.

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request},
    http::{StatusCode, request::Parts},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use lab::Probes;

use crate::{Account, Directory, NewOrder, Refusal, Role, bearer};

/// The user behind a request.
#[derive(Clone, Copy, Debug)]
pub struct User(Account);

/// The user, who is an administrator.
#[derive(Clone, Copy, Debug)]
pub struct Admin(Account);

// ANCHOR: kept_with_the_request
impl FromRequestParts<Directory> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, directory: &Directory) -> Result<Self, Refusal> {
        // Extensions live as long as the request, and no client can write to them.
        if let Some(user) = parts.extensions.get::<Self>() {
            return Ok(*user);
        }
        let token = bearer(&parts.headers)?;
        let user = directory.find(token).await.map(User).ok_or(Refusal::Unknown)?;
        parts.extensions.insert(user);
        Ok(user)
    }
}

impl FromRequestParts<Directory> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, directory: &Directory) -> Result<Self, Refusal> {
        let User(account) = User::from_request_parts(parts, directory).await?;
        if account.role == Role::Admin { Ok(Self(account)) } else { Err(Refusal::Forbidden) }
    }
}
// ANCHOR_END: kept_with_the_request

async fn report(User(account): User, Admin(admin): Admin) -> String {
    format!("a report for {}, approved by {}", account.name, admin.name)
}

/// A handler with two arguments that share one lookup.
pub async fn kept_with_the_request(probes: Probes) -> Router {
    Router::new().route("/report", get(report)).with_state(Directory::new(&probes))
}

// ANCHOR: default_deny
/// Lets nobody through without a user. Extractors work in a layer as well, and what they keep is kept for the handler.
async fn require_user(_: User, request: Request, next: Next) -> Response {
    next.run(request).await
}

/// What a stranger may see. Short, and read by every reviewer.
fn open() -> Router<Directory> {
    Router::new().route("/health", get(health))
}

/// Everything else. There is no guard in here that a route could stand below.
fn guarded() -> Router<Directory> {
    Router::new().route("/orders", get(orders)).route("/export", get(export))
}

fn app(directory: Directory) -> Router {
    let guard = middleware::from_fn_with_state(directory.clone(), require_user);
    // `route_layer` guards routes and not the fallback: a path that does not exist stays 404.
    open().merge(guarded().route_layer(guard)).with_state(directory)
}
// ANCHOR_END: default_deny

async fn orders(User(account): User) -> String {
    format!("a lamp, seen by {}", account.name)
}

async fn export() -> &'static str {
    "a lamp; to Ada's address"
}

async fn health() -> &'static str {
    "ok"
}

/// A guard around all routes that are not named as open.
pub async fn default_deny(probes: Probes) -> Router {
    app(Directory::new(&probes))
}

/// A handler whose arguments stand in the order in which they should be asked for.
pub async fn user_first(probes: Probes) -> Router {
    // ANCHOR: user_first
    async fn order(User(account): User, Json(order): Json<NewOrder>) -> (StatusCode, String) {
        // From left to right: without a user nobody looks at the body.
        (StatusCode::CREATED, format!("{} for {}", order.item, account.name))
    }
    // ANCHOR_END: user_first

    Router::new().route("/orders", post(order)).with_state(Directory::new(&probes))
}
