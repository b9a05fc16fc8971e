//! The harness of the tests: an app with a database of its own, a clock that stands still, and predictable randomness.

mod answer;
mod log;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderValue, Request, StatusCode, header, response::Parts},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime, macros::datetime};
use tower::ServiceExt;

pub(crate) use answer::{Answer, Tokens};
pub(crate) use log::Log;

use crate::{
    AppState, Settings, app,
    clock::{Clock, Random, System},
};

/// Somebody with an account.
pub(crate) struct Person {
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
}

pub(crate) const ADA: Person =
    Person { email: "ada@example.com", name: "Ada Lovelace", password: "a long walk in the rain" };
pub(crate) const EVE: Person =
    Person { email: "eve@example.com", name: "Eve", password: "always listening at doors" };

impl Person {
    pub(crate) fn registration(&self) -> Value {
        json!({ "email": self.email, "name": self.name, "password": self.password })
    }

    pub(crate) fn login(&self) -> Value {
        json!({ "email": self.email, "password": self.password })
    }
}

/// A clock that a test moves.
#[derive(Debug)]
struct StoppedClock(Mutex<OffsetDateTime>);

impl Clock for StoppedClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// Bytes that differ each time and are the same in each run; those of one app are not those of another.
#[derive(Debug)]
struct Numbered {
    app: u64,
    next: AtomicU64,
}

impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        for (place, chunk) in bytes.chunks_mut(8).enumerate() {
            // An odd multiplier spreads neighbouring numbers over all bytes and maps no two to one.
            let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (self.app << 32) ^ place as u64;
            chunk.copy_from_slice(&mixed.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A running app, without a socket.
#[derive(Clone)]
pub(crate) struct TestApp {
    router: Router,
    state: AppState,
    clock: Arc<StoppedClock>,
    #[expect(dead_code, reason = "the folder goes when the last clone of the app goes")]
    folder: Option<Arc<TempDir>>,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(Router::new()).await
    }

    /// With a few routes more, inside all layers.
    pub(crate) async fn start_with(more: Router) -> Self {
        static APPS: AtomicU64 = AtomicU64::new(0);
        log::listen();
        let clock = Arc::new(StoppedClock(Mutex::new(datetime!(2026-01-01 12:00 UTC))));
        let random = Numbered { app: APPS.fetch_add(1, Ordering::SeqCst), next: AtomicU64::new(0) };
        let settings = Settings { database_url: "sqlite::memory:".to_owned(), ..Settings::default() };
        let state = AppState::connect_with(settings, clock.clone(), Arc::new(random)).await.unwrap();
        let router = app(state.clone()).merge(crate::layers::around(more, &state));
        Self { router, state, clock, folder: None }
    }

    /// With its database in a file, which has several connections: for what happens at the same moment.
    pub(crate) async fn start_on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite:{}", folder.path().join("api.sqlite").display());
        let Self { clock, .. } = Self::start().await;
        let settings = Settings { database_url, ..Settings::default() };
        let state = AppState::connect_with(settings, clock.clone(), Arc::new(System)).await.unwrap();
        Self { router: app(state.clone()), state, clock, folder: Some(Arc::new(folder)) }
    }

    /// With all log lines of this test's thread kept.
    pub(crate) async fn start_logged(more: Router) -> (Self, Log) {
        let app = Self::start_with(more).await;
        (app, Log::of_this_thread())
    }

    /// The same app, reached through another router.
    pub(crate) fn behind(&self, router: Router) -> Self {
        Self { router, ..self.clone() }
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub(crate) fn state(&self) -> &AppState {
        &self.state
    }

    /// How many passwords were hashed so far.
    pub(crate) fn hashes(&self) -> u64 {
        self.state.passwords.computed()
    }

    pub(crate) async fn close_database(&self) {
        self.state.db.close().await;
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.state.db).await.unwrap()
    }

    pub(crate) async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.state.db).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.state.db).await.unwrap();
    }

    /// Stores the hash that weaker parameters would have made.
    pub(crate) async fn weaken_hash(&self, person: &Person) {
        let hash = crate::auth::passwords::weak_hash(person.password);
        sqlx::query("UPDATE users SET password_hash = ? WHERE email = ?")
            .bind(hash)
            .bind(person.email)
            .execute(&self.state.db)
            .await
            .unwrap();
    }

    pub(crate) async fn register(&self, person: &Person) {
        self.post("/api/v1/auth/register", &person.registration()).await.assert_status(StatusCode::CREATED);
    }

    /// For somebody who has an account.
    pub(crate) async fn register_again(&self, person: &Person) {
        let answer = self.post("/api/v1/auth/register", &person.registration()).await;
        answer.assert_problem(StatusCode::CONFLICT, "conflict");
    }

    /// Registers and logs in.
    pub(crate) async fn session(&self, person: &Person) -> Tokens {
        self.register(person).await;
        self.post("/api/v1/auth/login", &person.login()).await.tokens()
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).await
    }

    pub(crate) async fn create_item(&self, session: &Tokens, title: &str) -> String {
        let answer = self.post_as(&session.access, "/api/v1/items", &json!({ "title": title })).await;
        answer.assert_status(StatusCode::CREATED);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("get", path, None).await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        self.send("get", path, Some(&format!("Bearer {token}"))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_raw(path, "application/json", body.to_string().into()).await
    }

    pub(crate) async fn post_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.call(request.body(body.to_string().into()).unwrap()).await
    }

    pub(crate) async fn post_raw(&self, path: &str, content_type: &str, body: Body) -> Answer {
        self.call(Request::post(path).header(header::CONTENT_TYPE, content_type).body(body).unwrap()).await
    }

    /// As somebody whose socket has that address.
    pub(crate) async fn post_from(&self, peer: &str, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        self.call(request.body(body.to_string().into()).unwrap()).await
    }

    /// A request without a body.
    pub(crate) async fn send(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.call(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.raw(request).await;
        Answer::new(head, &body)
    }

    /// The answer as it would go over the wire.
    pub(crate) async fn raw(&self, mut request: Request<Body>) -> (Parts, Bytes) {
        request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    }
}
