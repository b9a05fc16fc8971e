//! The shop behind all variants: two accounts, a profile, and the access log that every server and every proxy writes.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use lab::{Counter, Probes};
use serde::{Deserialize, Serialize};

/// A user, with the password and the session that only the experiments know.
pub struct Person {
    /// The name.
    pub name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) session: &'static str,
}

/// Somebody whose password is guessed at.
pub const ADA: Person = Person { name: "ada", password: "wet-galoshes", session: "session-of-ada-5f0c" };
/// Somebody who has nothing to do with that.
pub const BOB: Person = Person { name: "bob", password: "tall-ladder", session: "session-of-bob-91be" };

/// The body of `POST /login`. No `Debug`: what cannot be printed does not end in a log.
#[derive(Deserialize, Serialize)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// What a login answers.
#[derive(Deserialize, Serialize)]
pub struct Session {
    /// Opens the profile.
    pub token: String,
}

/// The accounts and the access log. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Shop {
    compared: Counter,
    log: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    /// A shop whose comparisons are counted.
    pub fn new(probes: &Probes) -> Self {
        Self { compared: probes.counter("passwords compared"), log: Arc::default() }
    }

    /// The session of the user, if the password is theirs. It stands for lesson 10, and is counted.
    pub fn log_in(&self, login: &Login) -> Option<Json<Session>> {
        self.compared.add_one();
        let person = [ADA, BOB].into_iter().find(|person| person.name == login.user)?;
        (person.password == login.password).then(|| Json(Session { token: person.session.to_owned() }))
    }

    /// Writes the access log around the routes, and adds `GET /ops/log`, at which the operators read it.
    pub fn logged(self, routes: Router) -> Router {
        let read = |State(shop): State<Self>| async move { Json(shop.lines().clone()) };
        routes
            .layer(from_fn_with_state(self.clone(), write_line))
            .merge(Router::new().route("/ops/log", get(read)).with_state(self))
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line a request, as nginx, a load balancer or uvicorn write it by default: with the address as it came.
async fn write_line(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    let line = format!("{} {}", request.method(), request.uri());
    let response = next.run(request).await;
    shop.lines().push(format!("{line} {}", response.status().as_u16()));
    response
}

/// Whom the session token belongs to.
pub fn whose(token: &str) -> Option<&'static str> {
    [ADA, BOB].into_iter().find(|person| person.session == token).map(|person| person.name)
}

/// The token in `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// For `from_fn`: lets a request through if its header carries a session.
pub async fn guard(headers: HeaderMap, request: Request, next: Next) -> Response {
    match bearer(&headers).and_then(whose) {
        Some(_) => next.run(request).await,
        None => refused(),
    }
}

/// 401, with the challenge that belongs to it.
pub fn refused() -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer realm=\"shop\"")]).into_response()
}

/// 429, and when it is worth while to come again.
pub fn too_many(seconds: u64) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
}

/// `GET /profile` behind the [`guard`]: the name of whoever asks.
pub async fn profile(headers: HeaderMap) -> Response {
    bearer(&headers).and_then(whose).map_or_else(refused, |name| Json(name).into_response())
}
