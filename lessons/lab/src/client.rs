//! The lab's client: connections that we hold ourselves, so that "sent at once" means what it says.

use std::net::SocketAddr;

use axum::{
    body::Body,
    http::{self, header},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Bytes, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Request, server::LANE};

/// The largest body that the lab reads: it bounds the memory of a run.
const MOST_BODY_BYTES: usize = 1 << 20;

/// The headers that mean something to a reader of a transcript.
const SHOWN_HEADERS: [header::HeaderName; 4] =
    [header::CONTENT_TYPE, header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::LOCATION];

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// One open HTTP/1.1 connection.
#[derive(Debug)]
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Opens a connection; nothing is sent yet.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| format!("not connected: {error}"))?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("not connected: {error}"))?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends a request and reads its answer. `lane` tells the server which lane to stamp.
    pub(crate) async fn send(&mut self, request: &Request, lane: Option<usize>) -> Result<Answer, String> {
        let said = |error: hyper::Error| {
            if error.is_incomplete_message() || error.is_canceled() {
                "the connection was closed before an answer came".to_owned()
            } else {
                format!("no answer: {error}")
            }
        };
        self.0.ready().await.map_err(said)?;
        let answer = self.0.send_request(encode(request, lane)?).await.map_err(said)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(Body::new(body), MOST_BODY_BYTES)
            .collect()
            .await
            .map_err(|error| format!("the answer broke off: {error}"))?
            .to_bytes();
        let headers = SHOWN_HEADERS
            .iter()
            .filter_map(|name| Some((name.to_string(), head.headers.get(name)?.to_str().ok()?.to_owned())))
            .collect();
        let body = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        Ok(Answer { status: head.status.as_u16(), headers, body })
    }

    /// Whether the server has closed the connection.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

fn encode(request: &Request, lane: Option<usize>) -> Result<http::Request<Full<Bytes>>, String> {
    let mut builder = http::Request::builder()
        .method(request.method.as_str())
        .uri(&request.path)
        .header(header::HOST, "lab");
    if let Some(lane) = lane {
        builder = builder.header(LANE, lane);
    }
    if let Some(token) = &request.bearer {
        builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match &request.body {
        Some(body) => {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    builder.body(Full::new(body)).map_err(|error| format!("not a valid request: {error}"))
}
