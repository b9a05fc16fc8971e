//! What the tests share: ways to ask a service, and a log in memory.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;

use crate::Shop;

/// Why a test is red.
pub type Red = String;

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body as text.
    pub body: String,
}

/// A request with a JSON body, or with none if it is null.
pub fn request(method: Method, path: &str, body: &Value) -> Request<Body> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = Request::new(Body::from(text));
    *request.method_mut() = method;
    // A path that is none stays `/`, and the answer to it is a red test.
    *request.uri_mut() = path.parse().unwrap_or_default();
    request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("shop"));
    request
}

// ANCHOR: oneshot
/// Calls the router as a function. No socket, no server, no connection.
///
/// # Errors
/// If the body breaks off.
pub async fn ask_router(router: Router, request: Request<Body>) -> Result<Answer, Red> {
    let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
    read(response).await
}
// ANCHOR_END: oneshot

async fn read(response: Response) -> Result<Answer, Red> {
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

// ANCHOR: served
/// A service that is served as production serves it, on a port that the system chose. It ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

impl Served {
    /// Serves a shop with its own `serve`, not with a copy of it.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(shop: &Shop) -> Result<Self, Red> {
        // Port 0: whichever is free. The listener is bound here, so that it is open before anybody asks.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        Ok(Self { address, server: tokio::spawn(shop.clone().serve(listener)) })
    }

    /// Asks it over a new connection.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn ask(&self, request: Request<Body>) -> Result<Answer, Red> {
        ask_address(self.address, request).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}
// ANCHOR_END: served

/// Asks whoever listens there, over a new connection.
///
/// # Errors
/// If there is no answer.
pub async fn ask_address(address: SocketAddr, request: Request<Body>) -> Result<Answer, Red> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let driven = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let answer = read(response.map(Body::new)).await;
    driven.abort();
    answer
}

/// While there is only one subscriber in the process, tracing asks the thread that reaches a line first whether anybody
/// listens, and remembers a no for all threads. With a second one, which is never dropped, it asks all subscribers.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// Log lines in memory, for one test.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    // ANCHOR: captured
    /// A subscriber that writes here. A test puts it around one future, so that two tests do not share a log.
    pub fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        LazyLock::force(&SECOND);
        let log = self.clone();
        let spans = tracing_subscriber::fmt::format::FmtSpan::CLOSE;
        tracing_subscriber::fmt().json().with_span_events(spans).with_writer(log).finish()
    }
    // ANCHOR_END: captured

    /// What was written so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a test red unless both are equal.
///
/// # Errors
/// If they are not.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, expected: T) -> Result<(), Red> {
    if seen == expected { Ok(()) } else { Err(format!("{what}: {seen:?}, expected {expected:?}")) }
}
