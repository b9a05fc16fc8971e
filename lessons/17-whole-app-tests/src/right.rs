//! What holds: each thing is asked where it can be seen, and each test has a world of its own.

use std::sync::Arc;

use axum::{
    Router,
    http::{Method, StatusCode},
};
use lab::{Counter, Probes};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber as _;

use crate::{
    MOST_REPORTS, Shop,
    harness::{Log, Red, Served, ask_router, request, same},
    members::{self, Setup, database},
    suite::{self, SuiteFuture, for_a_report, reports_made},
};

// ANCHOR: each_where_it_shows
/// What a handler decides is asked of the router, as it is written on the wire.
async fn a_quote_counts_the_pieces(shop: &Shop) -> Result<(), Red> {
    let wanted = request(Method::POST, "/quotes", &json!({ "cents": 250, "pieces": 4 }));
    let answer = ask_router(shop.router(), wanted).await?;
    same("a quote", answer.body.as_str(), r#"{"total_cents":1000}"#)
}

/// What is logged is read back, with the secret in hand.
async fn a_login_is_logged_and_its_password_is_not(shop: &Shop) -> Result<(), Red> {
    const PASSWORD: &str = "a long walk in the rain";
    let log = Log::default();
    let login = request(Method::POST, "/login", &json!({ "name": "ada", "password": PASSWORD }));
    let answer = ask_router(shop.router(), login).with_subscriber(log.subscriber()).await?;
    same("a login", answer.status, StatusCode::NO_CONTENT)?;
    // First that the log is there at all: an empty one holds no password either.
    same("the login in the log", log.text().contains("a login was checked"), true)?;
    same("the password in the log", log.text().contains(PASSWORD), false)
}

/// What the server adds is asked of the server, started by the function that `main` calls.
async fn the_peer_is_known(shop: &Shop) -> Result<(), Red> {
    let served = Served::start(shop).await?;
    let answer = served.ask(request(Method::GET, "/peer", &Value::Null)).await?;
    same("the peer", (answer.status, answer.body.as_str()), (StatusCode::OK, "127.0.0.1"))
}

/// What holds for all connections together is asked over as many connections.
async fn four_reports_are_made_at_once(shop: &Shop) -> Result<(), Red> {
    let served = Served::start(shop).await?;
    let made = reports_made(shop, || served.ask(for_a_report())).await?;
    same("reports at once", made, MOST_REPORTS)
}
// ANCHOR_END: each_where_it_shows

fn each(shop: Shop) -> SuiteFuture {
    Box::pin(async move {
        a_quote_counts_the_pieces(&shop).await?;
        a_login_is_logged_and_its_password_is_not(&shop).await?;
        the_peer_is_known(&shop).await?;
        four_reports_are_made_at_once(&shop).await
    })
}

/// A suite that asks each thing where it shows.
pub async fn each_where_it_shows(_: Probes) -> Router {
    suite::run(each)
}

/// A suite with a database for each test.
pub async fn database_per_test(probes: Probes) -> Router {
    // ANCHOR: database_per_test
    async fn suite(opened: Counter) -> Setup {
        Arc::new(move || {
            let opened = opened.clone();
            Box::pin(async move { database(&opened).await })
        })
    }
    // ANCHOR_END: database_per_test
    members::run(&probes, |opened| Box::pin(suite(opened)))
}
