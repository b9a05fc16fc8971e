//! mistake: asserts, so that whoever runs the suite ends with it.
//! fails: a_password_in_the_log_is_noticed

#[path = "../checks.rs"]
mod checks;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber as _;
use whole_app_tests::{
    MOST_REPORTS, Shop,
    harness::{Log, Served, ask_router, request, same},
    reports_made,
};

async fn suite(shop: Shop) -> Result<(), String> {
    let wanted = request(Method::POST, "/quotes", &json!({ "cents": 250, "pieces": 4 }));
    let answer = ask_router(shop.router(), wanted).await?;
    same("a quote", answer.body.as_str(), r#"{"total_cents":1000}"#)?;

    let served = Served::start(&shop).await?;
    let peer = served.ask(request(Method::GET, "/peer", &Value::Null)).await?;
    same("the peer", (peer.status, peer.body.as_str()), (StatusCode::OK, "127.0.0.1"))?;

    let made = reports_made(&shop, || served.ask(request(Method::GET, "/report", &Value::Null))).await?;
    same("reports at once", made, MOST_REPORTS)?;

    const PASSWORD: &str = "a long walk in the rain";
    let log = Log::default();
    let login = request(Method::POST, "/login", &json!({ "name": "ada", "password": PASSWORD }));
    let answer = ask_router(shop.router(), login).with_subscriber(log.subscriber()).await?;
    same("a login", answer.status, StatusCode::NO_CONTENT)?;
    same("the login in the log", log.text().contains("a login was checked"), true)?;
    assert!(!log.text().contains(PASSWORD), "the password is in the log");
    Ok(())
}
