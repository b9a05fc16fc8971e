//! Proves lesson 17: which suite notices what, in which order tests are red without a reason, and what is in a log.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use axum::{
    Router,
    http::{Method, StatusCode},
};
use lab::{Experiment, Report, Run};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing::instrument::WithSubscriber as _;
use whole_app_tests::{
    DATABASES, Defect, EVERY_ORDER, FIVE_BROKEN_BUILDS, LESSON, Shop,
    harness::{Answer, Log, Served, ask_address, ask_router, request},
    reports_made,
};

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

/// The builds that the suite found sound.
fn let_through(report: &Report) -> Vec<&str> {
    let green = report.exchanges().iter().filter(|exchange| exchange.body["green"] == json!(true));
    green.map(|exchange| exchange.request.path.strip_prefix("/suite/").unwrap()).collect()
}

fn red_runs(report: &Report) -> Vec<u64> {
    report.exchanges().iter().map(|exchange| exchange.body["red"].as_u64().unwrap()).collect()
}

#[test]
fn every_suite_is_green_on_the_sound_build_and_in_the_order_in_which_it_was_written() {
    for variant in FIVE_BROKEN_BUILDS.variants {
        assert_eq!(let_through(&run(&FIVE_BROKEN_BUILDS, variant.name))[0], "sound", "{}", variant.name);
    }
    for variant in EVERY_ORDER.variants {
        assert_eq!(red_runs(&run(&EVERY_ORDER, variant.name))[0], 0, "{}", variant.name);
    }
}

#[test]
fn a_suite_that_asks_the_router_lets_three_of_five_broken_builds_through() {
    let report = run(&FIVE_BROKEN_BUILDS, "router-only");

    assert_eq!(let_through(&report), ["sound", "no-peer-address", "renamed-field", "password-in-span"]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_suite_with_a_server_of_its_own_lets_four_through() {
    let report = run(&FIVE_BROKEN_BUILDS, "own-server");

    assert_eq!(
        let_through(&report),
        ["sound", "limit-per-connection", "no-peer-address", "renamed-field", "password-in-span"]
    );
    assert!(!report.verdict.holds);
}

#[test]
fn a_suite_that_asks_where_it_shows_lets_none_through_and_says_what_it_saw() {
    let report = run(&FIVE_BROKEN_BUILDS, "each-where-it-shows");

    assert_eq!(let_through(&report), ["sound"]);
    let said: Vec<_> =
        report.exchanges()[1..].iter().map(|told| told.body["red"].as_str().unwrap()).collect();
    assert_eq!(said[0], r#"a quote: "{\"total_cents\":250}", expected "{\"total_cents\":1000}""#);
    assert_eq!(said[1], "reports at once: 10, expected 4");
    assert!(said[2].starts_with("the peer: (500, "), "{}", said[2]);
    assert_eq!(said[3], r#"a quote: "{\"total\":1000}", expected "{\"total_cents\":1000}""#);
    assert_eq!(said[4], "the password in the log: true, expected false");
    report.assert_holds();
}

async fn over_the_router(shop: &Shop, router: Router) -> usize {
    reports_made(shop, || ask_router(router.clone(), report())).await.unwrap()
}

async fn over_a_router_for_each_request(shop: &Shop) -> usize {
    reports_made(shop, || ask_router(shop.router(), report())).await.unwrap()
}

async fn over_sockets(shop: &Shop) -> usize {
    let served = Served::start(shop).await.unwrap();
    reports_made(shop, || served.ask(report())).await.unwrap()
}

/// Served by a line that stands in the test: for each connection the routes are turned into a service, or once for all.
async fn over_a_server_of_the_test(shop: &Shop, once_for_all: bool) -> usize {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = shop.router();
    let server = if once_for_all {
        tokio::spawn(axum::serve(listener, router.into_make_service()).into_future())
    } else {
        tokio::spawn(axum::serve(listener, router).into_future())
    };
    let made = reports_made(shop, || ask_address(address, report())).await.unwrap();
    server.abort();
    made
}

fn report() -> axum::http::Request<axum::body::Body> {
    request(Method::GET, "/report", &Value::Null)
}

#[tokio::test]
async fn a_limit_that_production_does_not_hold_is_seen_or_not_by_how_the_router_is_asked() {
    let shop = Shop::with(Defect::LimitPerConnection);
    assert_eq!(over_sockets(&shop).await, 10);
    // `oneshot` turns each clone of a bare router into a service of its own, and a prepared one never again.
    assert_eq!(over_the_router(&shop, shop.router()).await, 10);
    assert_eq!(over_the_router(&shop, shop.router().with_state(())).await, 4);

    let shop = Shop::sound();
    assert_eq!(over_sockets(&shop).await, 4);
    assert_eq!(over_the_router(&shop, shop.router()).await, 4);
    assert_eq!(over_the_router(&shop, shop.router().with_state(())).await, 4);
}

#[tokio::test]
async fn the_same_layer_counts_for_each_connection_or_for_all_by_how_the_routes_are_served() {
    let shop = Shop::with(Defect::LimitPerConnection);
    assert_eq!(over_a_server_of_the_test(&shop, false).await, 10);
    assert_eq!(over_a_server_of_the_test(&shop, true).await, 4);
}

#[tokio::test]
async fn a_router_that_is_built_anew_for_each_request_shows_no_limit_where_there_is_one() {
    assert_eq!(over_a_router_for_each_request(&Shop::sound()).await, 10);
}

#[test]
fn tests_that_share_a_database_are_red_in_nineteen_of_twenty_four_orders() {
    let report = run(&EVERY_ORDER, "one-database");

    assert_eq!(red_runs(&report), [0, 19, 1]);
    assert!(!report.verdict.holds);
}

#[test]
fn tests_that_empty_the_database_first_are_red_when_they_run_at_the_same_time() {
    let report = run(&EVERY_ORDER, "emptied-first");

    assert_eq!(red_runs(&report), [0, 0, 1]);
    assert!(!report.verdict.holds);
}

#[test]
fn tests_with_a_database_each_are_green_in_every_order_and_at_the_same_time() {
    let report = run(&EVERY_ORDER, "database-per-test");

    assert_eq!(red_runs(&report), [0, 0, 0]);
    // One for each test of 1 + 24 + 1 runs.
    assert_eq!(report.counter(DATABASES), 104);
    report.assert_holds();
}

#[tokio::test]
async fn a_fixed_port_is_free_for_one_test_and_port_zero_for_any_number() {
    let first = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let fixed = first.local_addr().unwrap();

    assert_eq!(TcpListener::bind(fixed).await.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    assert_ne!(TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap(), fixed);
}

async fn logged(shop: Shop) -> (Answer, String) {
    let log = Log::default();
    let login = request(Method::POST, "/login", &json!({ "name": "eve", "password": "hunter2" }));
    let answer = ask_router(shop.router(), login).with_subscriber(log.subscriber()).await.unwrap();
    (answer, log.text())
}

#[tokio::test]
async fn a_span_with_all_arguments_writes_the_password_twice_and_one_that_skips_them_never() {
    let (answer, log) = logged(Shop::with(Defect::PasswordInSpan)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // With each event inside of the span, and when the span closes.
    assert_eq!(log.lines().filter(|line| line.contains("hunter2")).count(), 2, "{log}");

    let (answer, log) = logged(Shop::sound()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(!log.contains("hunter2") && log.contains("/login"), "{log}");
}
