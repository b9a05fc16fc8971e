//! The checks of exercise 03. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, with a price service (the upstream) behind the gateway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, http::StatusCode, routing::get};
use lab::{
    Control, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Timeline, Transcript,
    Variant,
};
use one_client::{LESSON, PRICE, TWENTY_QUOTES};
use serde_json::{Value, json};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the gateway in this file",
    app: |probes| Box::pin(async move { crate::app(probes.upstream()) }),
};

const QUOTE: Step = Step { says: "a quote", request: |_| Request::get("/quote") };

/// Four quotes, one after the other. Each experiment below puts another upstream behind it.
const FOUR_QUOTES: Experiment = Experiment {
    slug: "four-quotes",
    title: "Four quotes in turn",
    watch: "What does the gateway make of its upstream?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: &[QUOTE, QUOTE, QUOTE, QUOTE] }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

static RISING: Experiment = Experiment { upstream: Some(|_| Box::pin(rising())), ..FOUR_QUOTES };
static REFUSING: Experiment = Experiment { upstream: Some(|_| Box::pin(refusing())), ..FOUR_QUOTES };
static SILENT_ONCE: Experiment = Experiment { upstream: Some(|_| Box::pin(silent_once())), ..FOUR_QUOTES };
static TEN_AT_ONCE: Experiment = Experiment {
    controls: &[Control::REQUESTS, Control::HOLD_MS.default_of(2)],
    plan: Plan::Timeline(Timeline { requests: |controls| vec![Request::get("/quote"); controls.requests()] }),
    upstream: Some(|probes| Box::pin(patient(probes))),
    ..FOUR_QUOTES
};

const AT_THE_UPSTREAM: &str = "requests at the upstream";
const CONNECTIONS: &str = "connections accepted";

/// Says a higher price each time.
async fn rising() -> Router {
    let price = Arc::new(AtomicU64::new(PRICE));
    let price = move || async move { Json(price.fetch_add(1, Ordering::SeqCst)) };
    Router::new().route("/price", get(price))
}

/// Refuses, with a page of explanation as long as such pages are.
async fn refusing() -> Router {
    let page = "The price service is being restarted. ".repeat(2_000);
    Router::new().route("/price", get(move || async move { (StatusCode::SERVICE_UNAVAILABLE, page) }))
}

/// Says nothing to the first who asks, and the price to the others.
async fn silent_once() -> Router {
    let asked = Arc::new(AtomicU64::new(0));
    let price = move || async move {
        if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        Json(PRICE)
    };
    Router::new().route("/price", get(price))
}

/// In a gated run it answers when all have come.
async fn patient(probes: Probes) -> Router {
    let prices = probes.backend(AT_THE_UPSTREAM);
    let price = move || async move {
        prices.call().await;
        Json(PRICE)
    };
    Router::new().route("/price", get(price))
}

#[test]
fn a_quote_says_what_the_upstream_says() {
    let report = run(&RISING).report();

    let says = (PRICE..).map(|price| (200, json!(price)));
    answers(
        &report,
        says,
        "Each quote says the price that the upstream says when it is asked, and with status 200.",
    );
}

#[test]
fn twenty_quotes_in_turn_need_one_connection() {
    run(&TWENTY_QUOTES).report().assert_holds();
}

#[test]
fn ten_quotes_reach_the_upstream_together() {
    let report = run(&TEN_AT_ONCE).gated().report();

    report.assert_holds();
    let most = report.gauge(AT_THE_UPSTREAM);
    let meaning = "The upstream takes ten at once. Something in the gateway lets fewer through.";
    Finding::new("10 quotes, sent together", "most at the upstream at once", most, 10, most == 10, meaning)
        .assert_holds();
}

#[test]
fn refusals_are_told_as_502_and_keep_the_connection() {
    let report = run(&REFUSING).report();

    statuses(&report, [502; 4], "The upstream refused with 503. The gateway itself is well: 502 says so.");
    let connections = report.counter(CONNECTIONS);
    let meaning =
        "A connection can be used again once the whole answer was read from it. Refusals are answers too.";
    let expected = "1";
    Finding::new("four refusals in turn", CONNECTIONS, connections, expected, connections == 1, meaning)
        .assert_holds();
}

#[test]
fn a_silent_upstream_is_told_as_504_and_the_next_quote_is_served() {
    // More than the second that the task allows, because a busy machine has seconds of its own.
    let report = run(&SILENT_ONCE).within(Duration::from_secs(5)).report();

    let meaning = "The upstream never answers the first quote. The gateway has to give up after about a second, with 504, and go on.";
    statuses(&report, [504, 200, 200, 200], meaning);
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Run {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, ANSWER, controls).judged()
}

/// Looks at status and body of each answer.
#[track_caller]
fn answers(report: &Report, expected: impl Iterator<Item = (u16, Value)>, meaning: &str) {
    report.assert_holds();
    for (number, (exchange, (status, body))) in (1..).zip(report.exchanges().iter().zip(expected)) {
        let seen =
            exchange.status.map_or_else(|| exchange.body.to_string(), |s| format!("{s} {}", exchange.body));
        let holds = exchange.status == Some(status) && exchange.body == body;
        Finding::new(format!("quote {number}"), "answer", seen, format!("{status} {body}"), holds, meaning)
            .assert_holds();
    }
}

/// Looks at the status of all answers.
#[track_caller]
fn statuses(report: &Report, expected: [u16; 4], meaning: &str) {
    let seen: Vec<_> = report.exchanges().iter().filter_map(|exchange| exchange.status).collect();
    let list = |statuses: &[u16]| statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let holds = seen == expected;
    Finding::new("four quotes in turn", "status", list(&seen), list(&expected), holds, meaning)
        .assert_holds();
}
