//! mistake: sockets, and a server that the test puts together as it should be.
//! fails: a_limit_for_each_connection_is_noticed

#[path = "../checks.rs"]
mod checks;

use std::net::SocketAddr;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing::instrument::WithSubscriber as _;
use whole_app_tests::{
    MOST_REPORTS, Shop,
    harness::{Log, ask_address, ask_router, request, same},
    reports_made,
};

async fn suite(shop: Shop) -> Result<(), String> {
    let wanted = request(Method::POST, "/quotes", &json!({ "cents": 250, "pieces": 4 }));
    let answer = ask_router(shop.router(), wanted).await?;
    same("a quote", answer.body.as_str(), r#"{"total_cents":1000}"#)?;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let service = shop.router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    let peer = ask_address(address, request(Method::GET, "/peer", &Value::Null)).await?;
    same("the peer", (peer.status, peer.body.as_str()), (StatusCode::OK, "127.0.0.1"))?;

    let made =
        reports_made(&shop, || ask_address(address, request(Method::GET, "/report", &Value::Null))).await?;
    same("reports at once", made, MOST_REPORTS)?;

    const PASSWORD: &str = "a long walk in the rain";
    let log = Log::default();
    let login = request(Method::POST, "/login", &json!({ "name": "ada", "password": PASSWORD }));
    let answer = ask_router(shop.router(), login).with_subscriber(log.subscriber()).await?;
    same("a login", answer.status, StatusCode::NO_CONTENT)?;
    same("the login in the log", log.text().contains("a login was checked"), true)?;
    same("the password in the log", log.text().contains(PASSWORD), false)
}
