//! Proves lesson 06: what belongs to the process is shared by whoever is in it, an extension that is missing is found out
//! by a request, and a state that is missing by the compiler.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use http_body_util::BodyExt as _;
use lab::{Experiment, Report, Run, assert_refused};
use state_not_globals::{A_NEW_ROUTE, LESSON, Ledger, TWO_SHOPS};
use tower::ServiceExt as _;

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

/// Number and currency of Berlin's invoice, of Oslo's, and of Berlin's second one.
fn invoices(report: &Report) -> [(u64, String); 3] {
    let invoices: Vec<_> = report
        .exchanges()
        .iter()
        .map(|exchange| {
            let body = &exchange.body;
            (body["number"].as_u64().unwrap(), body["currency"].as_str().unwrap().to_owned())
        })
        .collect();
    invoices.try_into().unwrap()
}

fn invoice(number: u64, currency: &str) -> (u64, String) {
    (number, currency.to_owned())
}

#[test]
fn the_first_shop_of_a_process_is_served_rightly_by_every_variant() {
    for variant in TWO_SHOPS.variants {
        let report = run(&TWO_SHOPS, variant.name);

        assert_eq!(statuses(&report), [201, 201, 201], "{}", variant.name);
        let [(first, currency), _, (second, _)] = invoices(&report);
        assert_eq!(currency, "EUR", "{}", variant.name);
        assert!(first < second, "{}: {first}, {second}", variant.name);
    }
}

#[test]
fn the_routes_that_stand_above_the_layer_are_answered_by_every_variant() {
    for variant in A_NEW_ROUTE.variants {
        let report = run(&A_NEW_ROUTE, variant.name);

        assert_eq!(statuses(&report)[..2], [201, 200], "{}", variant.name);
        assert_eq!(report.exchanges()[1].body, 1, "{}", variant.name);
    }
}

/// The numbers depend on who else has used the process before; that they are of one sequence does not.
#[test]
fn two_shops_that_share_a_static_share_numbers_and_the_first_ones_currency() {
    let report = run(&TWO_SHOPS, "static");

    let [(berlin, _), (oslo, currency), (berlin_again, _)] = invoices(&report);
    assert!(berlin < oslo && oslo < berlin_again, "{berlin}, {oslo}, {berlin_again}");
    assert_eq!(currency, "EUR");
    assert!(!report.verdict.holds);
}

#[test]
fn a_static_outlives_the_service_that_filled_it() {
    let [(first, _), ..] = invoices(&run(&TWO_SHOPS, "static"));
    let [(again, _), ..] = invoices(&run(&TWO_SHOPS, "static"));

    assert!(again > first + 2, "{first}, then {again}");
}

#[test]
fn two_shops_that_read_the_environment_cannot_differ() {
    let report = run(&TWO_SHOPS, "env-in-handler");

    assert_eq!(invoices(&report), [invoice(1, "EUR"), invoice(1, "EUR"), invoice(2, "EUR")]);
    assert!(!report.verdict.holds);
}

#[test]
fn two_shops_with_a_state_each_share_nothing_however_often_they_are_built() {
    for _ in 0..2 {
        let report = run(&TWO_SHOPS, "state");

        assert_eq!(invoices(&report), [invoice(1, "EUR"), invoice(1, "NOK"), invoice(2, "EUR")]);
        report.assert_holds();
    }
}

#[test]
fn a_route_added_after_the_extension_layer_compiles_and_answers_500_with_the_name_of_a_type() {
    let report = run(&A_NEW_ROUTE, "extension");

    assert_eq!(statuses(&report), [201, 200, 500]);
    let body = report.exchanges()[2].body.as_str().unwrap();
    assert!(body.contains("state_not_globals::ledger::Ledger"), "{body}");
    assert!(!report.verdict.holds);
}

#[test]
fn a_route_added_to_a_router_with_state_is_answered_like_the_others() {
    let report = run(&A_NEW_ROUTE, "state");

    assert_eq!(statuses(&report), [201, 200, 201]);
    report.assert_holds();
}

#[test]
fn a_route_without_its_state_is_refused_by_the_compiler() {
    assert_refused(env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_NAME"), "missing_state");
}

#[tokio::test]
async fn an_extension_is_found_by_its_exact_type_so_an_arc_of_it_is_another_one() {
    let app = Router::new()
        .route("/", get(async |Extension(ledger): Extension<Ledger>| ledger.issued().to_string()))
        .layer(Extension(Arc::new(Ledger::default())));

    let answer = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();

    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).starts_with("Missing request extension"), "{body:?}");
}

#[tokio::test]
async fn a_task_local_is_gone_in_a_task_that_the_handler_spawns() {
    tokio::task_local!(static SHOP: &'static str);

    SHOP.scope("Berlin", async {
        assert_eq!(SHOP.try_with(|shop| *shop).ok(), Some("Berlin"));
        let spawned = tokio::spawn(async { SHOP.try_with(|shop| *shop).ok() });
        assert_eq!(spawned.await.unwrap(), None);
    })
    .await;
}
