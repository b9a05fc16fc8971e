//! The harness of the tests: an app with a database of its own, a clock that stands still, and predictable randomness.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, Response, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use time::{Duration, OffsetDateTime, macros::datetime};
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    AppState, Settings, app,
    clock::{Clock, Random},
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
    log: Option<Log>,
}

/// The tokens of a login.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(Router::new()).await
    }

    /// With a few routes more, inside all layers.
    pub(crate) async fn start_with(more: Router) -> Self {
        static APPS: AtomicU64 = AtomicU64::new(0);
        let clock = Arc::new(StoppedClock(Mutex::new(datetime!(2026-01-01 12:00 UTC))));
        let random = Numbered { app: APPS.fetch_add(1, Ordering::SeqCst), next: AtomicU64::new(0) };
        let settings = Settings { database_url: "sqlite::memory:".to_owned(), ..Settings::default() };
        let state = AppState::connect_with(settings, clock.clone(), Arc::new(random)).await.unwrap();
        let router = app(state.clone()).merge(crate::layers::around(more, &state));
        Self { router, state, clock, log: None }
    }

    /// With all log lines kept.
    pub(crate) async fn start_logged() -> (Self, Log) {
        let log = Log::default();
        (Self { log: Some(log.clone()), ..Self::start().await }, log)
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

    pub(crate) async fn lose_database(&self) {
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
        let sql = AssertSqlSafe("UPDATE users SET password_hash = ? WHERE email = ?".to_owned());
        sqlx::query(sql).bind(hash).bind(person.email).execute(&self.state.db).await.unwrap();
    }

    pub(crate) async fn register(&self, person: &Person) {
        self.post("/api/v1/auth/register", &person.registration()).await.assert_status(StatusCode::CREATED);
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

    /// A request without a body.
    pub(crate) async fn send(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.call(request.body(Body::empty()).unwrap()).await
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        let answered = self.router.clone().oneshot(request);
        let response = match &self.log {
            Some(log) => {
                let lines =
                    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
                answered.with_subscriber(lines.finish()).await
            }
            None => answered.await,
        };
        Answer::read(response.unwrap()).await
    }
}

/// An answer, read to its end. Asserting the status prints the body, which says more.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    async fn read(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn text(&self) -> &str {
        &self.body
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers))
            .to_str()
            .unwrap()
    }

    pub(crate) fn headers_without_ids(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove("x-request-id");
        headers
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{}", self.body);
    }

    /// Status, media type, and the members that every problem has.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: StatusCode, slug: &str) {
        self.assert_status(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"));
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(status == StatusCode::UNAUTHORIZED, self.headers.contains_key("www-authenticate"));
        let members = problem.as_object().unwrap();
        let known = ["type", "title", "status", "detail", "errors"];
        assert!(members.keys().all(|name| known.contains(&name.as_str())), "{problem}");
    }

    #[track_caller]
    pub(crate) fn tokens(&self) -> Tokens {
        self.assert_status(StatusCode::OK);
        let body = self.json();
        let token = |name: &str| body[name].as_str().unwrap().to_owned();
        Tokens { access: token("access_token"), refresh: token("refresh_token") }
    }
}

/// Log lines, kept in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = LogWriter<'a>;

    fn make_writer(&'a self) -> LogWriter<'a> {
        LogWriter(self.0.lock().unwrap())
    }
}

pub(crate) struct LogWriter<'a>(MutexGuard<'a, Vec<u8>>);

impl io::Write for LogWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
