//! A suite that is green.

#[path = "../checks.rs"]
mod checks;

use std::net::SocketAddr;

use axum::{
    extract::connect_info::MockConnectInfo,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};
use whole_app_tests::{
    Quote, Shop,
    harness::{ask_router, request, same},
};

async fn suite(shop: Shop) -> Result<(), String> {
    let router = shop.router().layer(MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))));

    let wanted = request(Method::POST, "/quotes", &json!({ "cents": 250, "pieces": 1 }));
    let answer = ask_router(router.clone(), wanted).await?;
    let quote: Quote = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    same("a quote", quote.total_cents, 250)?;

    let peer = ask_router(router.clone(), request(Method::GET, "/peer", &Value::Null)).await?;
    same("the peer", peer.status, StatusCode::OK)?;

    let ada = json!({ "name": "ada", "password": "a long walk in the rain" });
    let login = ask_router(router, request(Method::POST, "/login", &ada)).await?;
    same("a login", login.status, StatusCode::NO_CONTENT)
}
