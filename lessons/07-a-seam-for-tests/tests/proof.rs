//! Proves lesson 07: which stand-ins answer as the database does, and that one suite tells them apart.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::sync::Arc;

use a_seam_for_tests::{
    FORTY_SIGN_UPS, LESSON, STAND_INS, app, contract,
    dispatch::{self, EitherNames, Table},
    right::Fake,
    sqlite::{STATEMENTS, Sqlite},
    wrong::LooseFake,
};
use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use lab::{Controls, Experiment, Observed, Probes, Report, Run, assert_refused};
use tower::ServiceExt as _;

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

fn emails(report: &Report) -> Vec<&str> {
    report.exchanges()[4]
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["email"].as_str().unwrap())
        .collect()
}

#[test]
fn signing_up_and_looking_up_work_on_every_variant() {
    for variant in STAND_INS.variants {
        assert_eq!(statuses(&run(&STAND_INS, variant.name))[..3], [201, 200, 201], "{}", variant.name);
    }
    for variant in FORTY_SIGN_UPS.variants {
        let report = run(&FORTY_SIGN_UPS, variant.name);
        assert_eq!(report.observed, Observed::Count { sent: 40, succeeded: 40 }, "{}", variant.name);
    }
}

#[test]
fn a_mock_signs_everybody_up_lists_one_and_finds_who_is_not_there() {
    let report = run(&STAND_INS, "mock");

    assert_eq!(statuses(&report), [201, 200, 201, 201, 200, 200]);
    assert_eq!(emails(&report), ["ada@example.org"]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_fake_that_nobody_compared_takes_one_address_twice_and_lists_in_another_order() {
    let report = run(&STAND_INS, "loose-fake");

    assert_eq!(statuses(&report), [201, 200, 201, 201, 200, 404]);
    assert_eq!(emails(&report), ["ADA@example.org", "Ben@example.org", "ada@example.org"]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_fake_that_passes_the_contract_answers_as_the_database_does() {
    let (fake, sqlite) = (run(&STAND_INS, "fake"), run(&STAND_INS, "sqlite"));

    assert_eq!(fake.observed, sqlite.observed);
    assert_eq!(statuses(&sqlite), [201, 200, 201, 409, 200, 404]);
    fake.assert_holds();
    sqlite.assert_holds();
}

#[tokio::test]
async fn one_suite_passes_on_the_database_and_on_the_fake_and_names_what_a_loose_fake_breaks() {
    let sqlite = Sqlite::in_memory(&Probes::new(Controls::default())).await.unwrap();
    assert_eq!(contract::broken(&sqlite).await, Vec::<&str>::new());
    assert_eq!(contract::broken(&Fake::default()).await, Vec::<&str>::new());

    assert_eq!(
        contract::broken(&LooseFake::default()).await,
        ["an address is the same in capitals", "the list is in the order of addresses, whatever their case"]
    );
}

#[test]
fn handlers_that_speak_sql_bring_a_database_into_every_test() {
    let report = run(&FORTY_SIGN_UPS, "sqlx-in-the-handler");

    // The schema, and an insert for each sign-up.
    assert_eq!(report.counter(STATEMENTS), 41);
    assert!(!report.verdict.holds);
}

#[test]
fn handlers_on_a_seam_are_tested_without_a_statement() {
    let report = run(&FORTY_SIGN_UPS, "fake");

    assert_eq!(report.counter(STATEMENTS), 0);
    report.assert_holds();
}

async fn status(app: Router, method: Method, path: &str, body: &'static str) -> StatusCode {
    let request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    app.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status()
}

#[tokio::test]
async fn a_failure_that_no_database_makes_for_the_asking_is_a_503_at_every_route() {
    let app = app(Arc::new(Fake::unreachable()));
    let ada = r#"{"email":"ada@example.org","name":"Ada"}"#;

    for (method, path, body) in
        [(Method::POST, "/members", ada), (Method::GET, "/members", ""), (Method::GET, "/members/ada", "")]
    {
        assert_eq!(status(app.clone(), method, path, body).await, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
}

#[tokio::test]
async fn a_rule_of_the_service_is_tested_on_something_that_would_fail_if_it_were_asked() {
    let nameless = r#"{"email":"ada@example.org","name":" "}"#;

    let answer = status(app(Arc::new(Fake::unreachable())), Method::POST, "/members", nameless).await;

    assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn a_trait_with_an_async_method_behind_a_pointer_is_refused_by_the_compiler() {
    assert_refused(env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_NAME"), "dyn_async");
}

#[tokio::test]
async fn three_ways_to_the_same_table_give_the_same_answer() {
    let table = Table::default();
    for id in [7, 64] {
        let expected = dispatch::generic(&table, id).await;
        assert_eq!(dispatch::dynamic(&table, id).await, expected);
        assert_eq!(EitherNames::Table(table.clone()).len_of(id).await, expected);
    }
    assert_eq!(EitherNames::Fixed(3).len_of(64).await, Some(3));
}
