//! P31 and P23: the WebSocket of item events, over real sockets, from the upgrade to the goodbye.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use reference_api::{AppState, Settings, serve};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// A whole service on a port of its own, with one user.
struct Service {
    address: SocketAddr,
    token: String,
    refresh: String,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let settings = Settings {
            database_url: "sqlite::memory:".into(),
            origins: vec!["https://good.example".to_owned()],
            job_workers: 0,
            ..Settings::default()
        };
        let state = AppState::connect(settings).await.unwrap();
        let listener = serve::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(serve::run(async { drop(stopped.await) }, listener, None, state));
        let mut service =
            Self { address, token: String::new(), refresh: String::new(), stop: Some(stop), ended };
        let body =
            json!({ "email": "ada@example.com", "name": "Ada", "password": "a long walk in the rain" });
        service.post("/auth/register", &body).await;
        let login = json!({ "email": "ada@example.com", "password": "a long walk in the rain" });
        let tokens = service.post("/auth/login", &login).await;
        service.token = tokens["access_token"].as_str().unwrap().to_owned();
        service.refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        service
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.post(format!("http://{}/api/v1{path}", self.address)).bearer_auth(&self.token);
        let answer = request.json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        if answer.status() == StatusCode::NO_CONTENT { Value::Null } else { answer.json().await.unwrap() }
    }

    async fn create_item(&self, title: &str) {
        self.post("/items", &json!({ "title": title })).await;
    }

    /// The socket, or the status of the answer that is not one.
    async fn connect(&self, headers: &[(&'static str, &str)]) -> Result<WebSocketStream<TcpStream>, u16> {
        let mut request = format!("ws://{}/api/v1/events", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match client_async(request, TcpStream::connect(self.address).await.unwrap()).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn open(&self) -> WebSocketStream<TcpStream> {
        self.connect(&[("authorization", &format!("Bearer {}", self.token))]).await.unwrap()
    }
}

/// The next event, or the code of the goodbye.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> Result<Value, u16> {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(Some(frame)) => return Err(frame.code.into()),
            Message::Close(None) => return Err(1005),
            _ => (),
        }
    }
}

#[tokio::test]
async fn p31_a_change_of_an_own_item_arrives_as_an_event() {
    let service = Service::start().await;
    let mut socket = service.open().await;

    service.create_item("Umbrella").await;

    let event = next(&mut socket).await.unwrap();
    assert_eq!((&event["type"], &event["item"]["title"]), (&json!("item.created"), &json!("Umbrella")));
}

#[tokio::test]
async fn p31_who_may_not_listen_is_told_before_the_upgrade() {
    let service = Service::start().await;
    let token = format!("Bearer {}", service.token);
    let protocols = format!("items.v1, bearer.{}", service.token);
    for (headers, expected) in [
        (vec![], Err(401)),
        (vec![("authorization", "Bearer bad")], Err(401)),
        (vec![("sec-websocket-protocol", "items.v1, bearer.bad")], Err(401)),
        (vec![("sec-websocket-protocol", protocols.as_str())], Ok(())),
        (vec![("authorization", token.as_str()), ("origin", "https://good.example")], Ok(())),
        (vec![("authorization", token.as_str()), ("origin", "https://evil.example")], Err(403)),
        (vec![("authorization", token.as_str()), ("origin", "https://good.example.evil")], Err(403)),
        (vec![("authorization", token.as_str()), ("origin", "http://good.example")], Err(403)),
        (vec![("authorization", token.as_str()), ("origin", "null")], Err(403)),
        (vec![("authorization", token.as_str()), ("origin", &format!("http://{}", service.address))], Ok(())),
    ] {
        let answer = service.connect(&headers).await.map(drop);
        assert_eq!(answer, expected, "{:?}", headers.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn p31_a_plain_request_is_told_what_this_is() {
    let service = Service::start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("http://{}/api/v1/events", service.address)).bearer_auth(&service.token);

    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn p31_a_socket_dies_with_its_session_before_it_shows_another_event() {
    let service = Service::start().await;
    let mut socket = service.open().await;
    let login = json!({ "email": "ada@example.com", "password": "a long walk in the rain" });
    let other = service.post("/auth/login", &login).await;
    service.post("/auth/logout", &json!({ "refresh_token": service.refresh })).await;

    let service = Service { token: other["access_token"].as_str().unwrap().to_owned(), ..service };
    service.create_item("Umbrella").await;

    assert_eq!(next(&mut socket).await, Err(1008));
}

#[tokio::test]
async fn p31_a_message_that_is_too_large_closes_with_1009_and_too_many_with_1008() {
    let service = Service::start().await;
    let mut large = service.open().await;
    // Sending may fail once the other side has seen enough.
    let _ = large.send(Message::text("x".repeat(1 << 20))).await;
    assert_eq!(next(&mut large).await, Err(1009));

    let mut fits = service.open().await;
    fits.send(Message::text("x".repeat(4 * 1024))).await.unwrap();
    for _ in 0..40 {
        let _ = fits.send(Message::text("x")).await;
    }
    assert_eq!(next(&mut fits).await, Err(1008));
}

#[tokio::test]
async fn p31_a_user_has_five_sockets_and_a_place_is_free_again_when_one_closes() {
    let service = Service::start().await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(service.open().await);
    }
    let token = format!("Bearer {}", service.token);
    assert_eq!(service.connect(&[("authorization", &token)]).await.map(drop), Err(429));

    let mut first = sockets.remove(0);
    first.close(None).await.unwrap();
    // The server has let go when it has closed its end.
    while first.next().await.is_some() {}

    assert!(service.connect(&[("authorization", &token)]).await.is_ok());
}

#[tokio::test]
async fn p23_a_stop_says_goodbye_to_every_socket_and_then_ends() {
    let mut service = Service::start().await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(service.open().await);
    }

    service.stop.take().unwrap().send(()).unwrap();

    for socket in &mut sockets {
        assert_eq!(next(socket).await, Err(1001));
    }
    service.ended.await.unwrap();
}
