//! P34: HTTP as it is written (RFC 9110, RFC 9112), byte by byte over a socket, since a client library would mend mistakes.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

use std::net::SocketAddr;

use reference_api::{AppState, Settings, app, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

/// A service on a port of its own.
struct Service {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
    _serving: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let settings = Settings {
            database_url: "sqlite::memory:".into(),
            // The least there is: one test waits for it.
            body_seconds: 1,
            ..Settings::default()
        };
        let state = AppState::connect(settings).await.unwrap();
        let listener = serve::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = oneshot::channel::<()>();
        let stop = async { drop(stopped.await) };
        let _serving = tokio::spawn(serve::until(stop, listener, app(state), serve::Limits::default()));
        Self { address, _stop, _serving }
    }

    /// What comes back until the server closes the connection.
    async fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// The lines of the head, in lower case; the body.
fn parts(answer: &str) -> (Vec<String>, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().map(str::to_lowercase).collect(), body)
}

#[track_caller]
fn assert_answer(answer: &str, status: u16, slug: &str, case: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{case}: {answer}");
    if !slug.is_empty() {
        assert!(answer.contains(&format!("\"/problems/{slug}\"")), "{case}: {answer}");
        assert!(answer.contains("content-type: application/problem+json"), "{case}: {answer}");
    }
}

#[tokio::test]
async fn p34_a_request_names_exactly_one_host() {
    let service = Service::start().await;
    for (case, head, status, slug) in [
        ("one", "HTTP/1.1\r\nhost: localhost", 200, ""),
        ("with a port", "HTTP/1.1\r\nhost: [::1]:8080", 200, ""),
        ("none", "HTTP/1.1", 400, "invalid-request"),
        ("none in HTTP/1.0", "HTTP/1.0", 200, ""),
        ("two", "HTTP/1.1\r\nhost: a\r\nhost: b", 400, "invalid-request"),
        ("twice the same", "HTTP/1.1\r\nhost: a\r\nhost: a", 400, "invalid-request"),
        ("empty", "HTTP/1.1\r\nhost:", 400, "invalid-request"),
        ("a list", "HTTP/1.1\r\nhost: a, b", 400, "invalid-request"),
        ("with a name in front", "HTTP/1.1\r\nhost: user@a", 400, "invalid-request"),
        ("with a path", "HTTP/1.1\r\nhost: a/b", 400, "invalid-request"),
    ] {
        let request = format!("GET /health/live {head}\r\nconnection: close\r\n\r\n");
        let answer = service.exchange(&request).await;
        // An answer to HTTP/1.0 is in HTTP/1.0.
        let answer = answer.replacen("HTTP/1.0", "HTTP/1.1", 1);
        assert_answer(&answer, status, slug, case);
    }
}

#[tokio::test]
async fn p34_each_refusal_has_the_status_and_the_header_that_the_rfc_names() {
    let service = Service::start().await;
    let json = "content-type: application/json";
    for (case, line, headers, status, slug, header) in [
        ("method", "DELETE /api/v1/auth/login", "", 405, "method-not-allowed", "allow: post"),
        ("method", "PUT /api/v1/items", "", 405, "method-not-allowed", "allow: get,head,post"),
        ("method", "BREW /health/live", "", 405, "method-not-allowed", "allow: get,head"),
        (
            "no login",
            "GET /api/v1/users/me",
            "",
            401,
            "authentication-required",
            "www-authenticate: bearer realm=",
        ),
        (
            "bad login",
            "GET /api/v1/users/me",
            "authorization: Bearer x",
            401,
            "invalid-token",
            "error=\"invalid_token\"",
        ),
        ("path", "GET /nowhere", "", 404, "not-found", ""),
        ("accept", "POST /api/v1/auth/login", "accept: text/html", 406, "not-acceptable", ""),
        ("type", "POST /api/v1/auth/login", "content-type: text/plain", 415, "unsupported-media-type", ""),
        ("no type", "POST /api/v1/auth/login", "x: y", 415, "unsupported-media-type", ""),
        (
            "coding",
            "POST /api/v1/auth/login",
            &format!("{json}\r\ncontent-encoding: gzip"),
            415,
            "unsupported-media-type",
            "",
        ),
        (
            "size",
            "POST /api/v1/auth/login",
            &format!("{json}\r\ncontent-length: 999999"),
            413,
            "payload-too-large",
            "",
        ),
    ] {
        let headers = if headers.is_empty() { String::new() } else { format!("\r\n{headers}") };
        let request = format!("{line} HTTP/1.1\r\nhost: a\r\nconnection: close{headers}\r\n\r\n");
        let answer = service.exchange(&request).await;
        assert_answer(&answer, status, slug, case);
        let (head, _) = parts(&answer);
        assert!(header.is_empty() || head.iter().any(|line| line.contains(header)), "{case}: {answer}");
    }
}

#[tokio::test]
async fn p34_head_is_get_without_the_body() {
    let service = Service::start().await;
    for path in ["/health/live", "/api/v1/users/me", "/api/v1/openapi.json", "/nowhere"] {
        let mut answers = Vec::new();
        for method in ["GET", "HEAD"] {
            let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            answers.push(service.exchange(&request).await);
        }
        let [(mut get, body), (mut head, nothing)] = [parts(&answers[0]), parts(&answers[1])];
        for lines in [&mut get, &mut head] {
            lines.retain(|line| !line.starts_with("x-request-id") && !line.starts_with("date"));
            lines.sort();
        }
        assert!(!body.is_empty(), "{path}");
        assert_eq!(nothing, "", "{path}");
        assert_eq!(get, head, "{path}");
    }
}

#[tokio::test]
async fn p34_a_body_that_does_not_arrive_in_time_is_answered_with_408_and_the_connection_is_closed() {
    let service = Service::start().await;
    let request = "POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\n\
                   content-type: application/json\r\ncontent-length: 50\r\n\r\n{\"email\":";

    // It ends because the server closes the connection: the client asked for nothing of the kind.
    let answer = service.exchange(request).await;

    assert_answer(&answer, 408, "request-timeout", "slow body");
    assert!(parts(&answer).0.contains(&"connection: close".to_owned()), "{answer}");
}

#[tokio::test]
async fn p34_what_a_proxy_could_read_in_two_ways_is_refused() {
    let service = Service::start().await;
    let json = "content-type: application/json";
    for (case, headers) in [
        ("two lengths", "content-length: 2\r\ncontent-length: 3"),
        ("a coding that is none", "transfer-encoding: xchunked"),
        ("a space before the colon", "content-length : 2"),
        ("a folded line", "x: a\r\n b: c"),
    ] {
        let request = format!(
            "POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\n{json}\r\n{headers}\r\nconnection: close\r\n\r\n{{}}"
        );
        let answer = service.exchange(&request).await;
        // hyper answers these before there is a request that our layers could see.
        assert_answer(&answer, 400, "", case);
    }
}
