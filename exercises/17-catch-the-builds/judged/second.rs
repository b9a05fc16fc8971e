//! Five tests that do not know each other; all of them run, and the suite names every one that is red.

#[path = "../checks.rs"]
mod checks;

use axum::http::Method;
use serde_json::{Value, json};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;
use whole_app_tests::{
    Shop,
    harness::{Log, Served, ask_router, request},
    reports_made,
};

fn expect(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

async fn the_contract_of_a_quote(shop: &Shop) -> Result<(), String> {
    for (cents, pieces) in [(250, 4), (1, 1), (0, 3)] {
        let wanted = request(Method::POST, "/quotes", &json!({ "cents": cents, "pieces": pieces }));
        let told = Served::start(shop).await?.ask(wanted).await?.body;
        let told: Value = serde_json::from_str(&told).map_err(|error| error.to_string())?;
        // The whole object: a field that comes or goes is a change of the contract, too.
        expect(told == json!({ "total_cents": cents * pieces }), format!("{pieces} of {cents}: {told}"))?;
    }
    Ok(())
}

async fn the_peer(shop: &Shop) -> Result<(), String> {
    let told = Served::start(shop).await?.ask(request(Method::GET, "/peer", &Value::Null)).await?;
    expect(told.body == "127.0.0.1", format!("the peer: {told:?}"))
}

async fn the_limit(shop: &Shop) -> Result<(), String> {
    let served = Served::start(shop).await?;
    let made = reports_made(shop, || served.ask(request(Method::GET, "/report", &Value::Null))).await?;
    expect(made == 4, format!("{made} of ten reports were made"))
}

async fn the_log(shop: &Shop) -> Result<(), String> {
    let log = Log::default();
    let body = json!({ "name": "ada", "password": "a canary in the mine" });
    let login = request(Method::POST, "/login", &body);
    // A span of the test's own shows that the log works, whatever the service writes.
    let asked = async {
        let asked = ask_router(shop.router(), login).instrument(tracing::info_span!("the test")).await;
        tracing::info!("asked");
        asked
    };
    asked.with_subscriber(log.subscriber()).await?;
    expect(log.text().contains("asked"), "nothing was logged at all")?;
    expect(!log.text().contains("canary"), "a password is in the log")
}

async fn suite(shop: Shop) -> Result<(), String> {
    let told = [
        the_contract_of_a_quote(&shop).await,
        the_peer(&shop).await,
        the_limit(&shop).await,
        the_log(&shop).await,
    ];
    let red: Vec<String> = told.into_iter().filter_map(Result::err).collect();
    expect(red.is_empty(), red.join("; "))
}
