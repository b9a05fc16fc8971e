//! The harness of the tests: an app with a database of its own, a clock that stands still, and predictable randomness.
//!
//! Where PostgreSQL's programs are found, [`TestApp::start`] gives two apps in one: each request goes to SQLite and to
//! PostgreSQL, and a test fails where the answers differ. Clock and randomness are the same for both, so the answers have to
//! be the same to the byte. So every test of the suite is also a test that the two engines behave alike.

mod answer;
mod contract;
mod log;
mod postgres;
mod redis;
mod requests;
mod smtp;

use std::{
    fmt,
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
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

pub(crate) use answer::{Answer, Tokens};
pub(crate) use log::Log;
pub(crate) use postgres::Database;
pub(crate) use redis::Redis;
pub(crate) use smtp::MailServer;

use crate::{
    AppState, Settings, app,
    clock::{Clock, Random},
    db::{Db, Executor},
    mail::Mailer,
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
    /// The same app on PostgreSQL, asked the same and compared.
    twin: Option<Box<TestApp>>,
    /// What holds the database goes when the last clone of the app goes.
    holder: Arc<Holder>,
}

/// What a database lives in.
enum Holder {
    Memory,
    Folder(#[expect(dead_code, reason = "removed when it is dropped")] TempDir),
    Postgres(#[expect(dead_code, reason = "given back when it is dropped")] Database),
}

/// Says which engine it is, for the messages of assertions.
impl fmt::Debug for TestApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.holder {
            Holder::Memory => "SQLite in memory",
            Holder::Folder(_) => "SQLite in a file",
            Holder::Postgres(_) => "PostgreSQL",
        })
    }
}

impl TestApp {
    /// On SQLite and PostgreSQL at once, where there is one.
    pub(crate) async fn start() -> Self {
        Self::start_with(Router::new()).await
    }

    /// With a few routes more, inside all layers.
    pub(crate) async fn start_with(more: Router) -> Self {
        let number = next_number();
        let mut app = Self::on_sqlite(&more, number, Settings::default()).await;
        // Nothing but the engine differs: the same moment, and the same random bytes in the same order.
        app.twin = Self::on_postgres(&more, number, Settings::default()).await.map(Box::new);
        app
    }

    /// One app for each engine, each with several connections: for what happens at the same moment, where the order of events
    /// differs from run to run.
    pub(crate) async fn start_on_each_engine() -> Vec<Self> {
        Self::start_on_each_engine_with(Settings::default()).await
    }

    /// The same with some settings that are not the default.
    pub(crate) async fn start_on_each_engine_with(settings: Settings) -> Vec<Self> {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite:{}", folder.path().join("api.sqlite").display()).into();
        let postgres = Self::on_postgres(&Router::new(), next_number(), settings.clone()).await;
        let settings = Settings { database_url, ..settings };
        let sqlite = Self::on(Holder::Folder(folder), settings, &Router::new(), next_number()).await;
        [Some(sqlite), postgres].into_iter().flatten().collect()
    }

    /// With all log lines of this test's thread kept; on SQLite alone, so that each line is there once.
    pub(crate) async fn start_logged(more: Router) -> (Self, Log) {
        let app = Self::on_sqlite(&more, next_number(), Settings::default()).await;
        (app, Log::of_this_thread())
    }

    async fn on_sqlite(more: &Router, number: u64, settings: Settings) -> Self {
        let settings = Settings { database_url: "sqlite::memory:".into(), ..settings };
        Self::on(Holder::Memory, settings, more, number).await
    }

    async fn on_postgres(more: &Router, number: u64, settings: Settings) -> Option<Self> {
        let database = Database::create().await?;
        let settings = Settings { database_url: database.url().into(), ..settings };
        Some(Self::on(Holder::Postgres(database), settings, more, number).await)
    }

    async fn on(holder: Holder, settings: Settings, more: &Router, number: u64) -> Self {
        log::listen();
        let clock = Arc::new(StoppedClock(Mutex::new(datetime!(2026-01-01 12:00 UTC))));
        let random = Numbered { app: number, next: AtomicU64::new(0) };
        // PostgreSQL needs one, and two apps with the same random bytes have the same keys.
        let mut secret = [0; 32];
        random.fill(&mut secret);
        let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let settings = Settings { auth_secret: Some(secret.into()), ..settings };
        let state = AppState::connect_with(settings, clock.clone(), Arc::new(random)).await.unwrap();
        let router = app(state.clone()).merge(crate::layers::around(more.clone(), &state));
        Self { router, state, clock, twin: None, holder: Arc::new(holder) }
    }

    /// The same app with another mailer, and without its twin.
    pub(crate) fn with_mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        let state = self.state.with_mailer(mailer);
        Self { router: app(state.clone()), state, clock: self.clock, twin: None, holder: self.holder }
    }

    /// Another process with the same settings, as far as one process can show it: state, pool and memory of its own.
    pub(crate) async fn replica(&self) -> Self {
        let random = Numbered { app: next_number(), next: AtomicU64::new(0) };
        let settings = Settings::clone(&self.state.settings);
        let state = AppState::connect_with(settings, self.clock.clone(), Arc::new(random)).await.unwrap();
        Self { router: app(state.clone()), state, twin: None, ..self.clone() }
    }

    /// Does all jobs that are due and says how many attempts that took.
    pub(crate) async fn work(&self) -> u32 {
        crate::jobs::run_due(&self.state).await.unwrap()
    }

    /// The same app, reached through another router.
    pub(crate) fn behind(&self, router: Router) -> Self {
        Self { router, twin: None, ..self.clone() }
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
        if let Some(twin) = &self.twin {
            *twin.clock.0.lock().unwrap() += time;
        }
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

    fn databases(&self) -> impl Iterator<Item = &Db> {
        [Some(self), self.twin.as_deref()].into_iter().flatten().map(|app| &app.state.db)
    }

    pub(crate) async fn close_database(&self) {
        for db in self.databases() {
            db.close().await;
        }
    }

    /// One number, the same in both databases.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        self.value(sql).await
    }

    /// One text, the same in both databases.
    pub(crate) async fn text(&self, sql: &'static str) -> String {
        self.value(sql).await
    }

    async fn value<T>(&self, sql: &'static str) -> T
    where
        (T,): crate::db::Row,
        T: PartialEq + fmt::Debug,
    {
        let mut found = Vec::new();
        for db in self.databases() {
            found.push(db.query(sql).fetch_one::<(T,)>().await.unwrap().0);
        }
        let first = found.remove(0);
        assert!(
            found.iter().all(|other| *other == first),
            "{sql}: {first:?} in SQLite, {found:?} in PostgreSQL"
        );
        first
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        for db in self.databases() {
            db.query(sql).execute().await.unwrap();
        }
    }

    /// Stores the hash that weaker parameters would have made.
    pub(crate) async fn weaken_hash(&self, person: &Person) {
        let hash = crate::auth::passwords::weak_hash(person.password);
        for db in self.databases() {
            let query = db.query("UPDATE users SET password_hash = $1 WHERE email = $2");
            query.bind(hash.as_str()).bind(person.email).execute().await.unwrap();
        }
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

    /// The answer as it would go over the wire: the same from both engines.
    pub(crate) async fn raw(&self, mut request: Request<Body>) -> (Parts, Bytes) {
        request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
        let Some(twin) = &self.twin else { return self.ask(request).await };
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let ours = self.ask(Request::from_parts(head.clone(), body.clone().into())).await;
        // Silent: a test that counts log lines counts those of one app.
        let request = Request::from_parts(head, body.into());
        let theirs = twin.ask(request).with_subscriber(NoSubscriber::default()).await;
        assert_same(&ours, &theirs);
        ours
    }

    async fn ask(&self, request: Request<Body>) -> (Parts, Bytes) {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        contract::check(contract::document(&self.state), &method, &path, &head, &body);
        (head, body)
    }
}

/// Status, headers and body are the same to the byte, identifiers and tokens included.
#[track_caller]
fn assert_same(sqlite: &(Parts, Bytes), postgres: &(Parts, Bytes)) {
    let body = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (sqlite.0.status, &sqlite.0.headers, body(&sqlite.1)),
        (postgres.0.status, &postgres.0.headers, body(&postgres.1)),
        "SQLite (left) and PostgreSQL (right) answer differently"
    );
}

/// Each app has randomness of its own; a pair shares a number.
fn next_number() -> u64 {
    static APPS: AtomicU64 = AtomicU64::new(0);
    APPS.fetch_add(1, Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[should_panic(expected = "answer differently")]
    async fn an_answer_that_differs_between_the_engines_fails_the_test() {
        let mut app = TestApp::start().await;
        // A twin that is ahead by an account; another SQLite, so that this holds on a machine without PostgreSQL.
        let twin = TestApp::on_sqlite(&Router::new(), next_number(), Settings::default()).await;
        twin.register(&ADA).await;
        app.twin = Some(Box::new(twin));

        app.post("/api/v1/auth/register", &ADA.registration()).await;
    }
}
