//! The checks of exercise 03. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, with a price service (the upstream) behind the gateway.

use std::{
    pin::pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    http::{Request as HttpRequest, StatusCode},
    routing::get,
};
use lab::{
    Control, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Timeline, Transcript,
    Variant,
};
use one_client::{LESSON, PRICE};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tower::ServiceExt;

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
static TEN_AT_ONCE: Experiment = Experiment {
    controls: &[Control::REQUESTS, Control::HOLD_MS.default_of(2)],
    plan: Plan::Timeline(Timeline { requests: |controls| vec![Request::get("/quote"); controls.requests()] }),
    upstream: Some(|probes| Box::pin(patient(probes))),
    ..FOUR_QUOTES
};

const AT_THE_UPSTREAM: &str = "requests at the upstream";
const CONNECTIONS: &str = "connections accepted";

/// More than the second that the task allows: "about" is not to be measured.
const ENOUGH: Duration = Duration::from_secs(5);

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
fn silent_once(asked: &Arc<Notify>) -> Router {
    let (asked, before) = (Arc::clone(asked), Arc::new(AtomicU64::new(0)));
    let price = move || async move {
        if before.fetch_add(1, Ordering::SeqCst) == 0 {
            asked.notify_one();
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

// Two checks look at this run.
static IN_TURN: LazyLock<Report> = LazyLock::new(|| run(&RISING).report());

#[test]
fn a_quote_says_what_the_upstream_says() {
    let says = (PRICE..).map(|price| (200, json!(price)));
    answers(
        &IN_TURN,
        says,
        "Each quote says the price that the upstream says when it is asked, and with status 200.",
    );
}

#[test]
fn quotes_in_turn_need_one_connection() {
    let meaning = "A connection was opened for a quote and not used again: each costs a handshake, with TLS several round trips.";
    one_connection(&IN_TURN, "four quotes in turn", meaning);
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
    let meaning =
        "A connection can be used again once the whole answer was read from it. Refusals are answers too.";
    one_connection(&report, "four refusals in turn", meaning);
}

/// On a clock that stands still, and goes on to the next thing that is due when nobody has anything to do. What is on its way
/// through a socket is nobody's, so the clock is held meanwhile.
#[tokio::test(start_paused = true)]
async fn a_silent_upstream_is_told_as_504_and_the_next_quote_is_served() {
    let held = hold_the_clock();
    let asked = Arc::new(Notify::new());
    let gateway = crate::app(listening(silent_once(&asked)).await);
    let mut first = pin!(status_of_a_quote(&gateway));
    let so_far = tokio::select! {
        status = &mut first => Some(status),
        () = asked.notified() => None,
    };
    drop(held);
    let mut seen = vec![match so_far {
        Some(status) => status,
        None => first.await,
    }];
    let _held = hold_the_clock();
    for _ in 0..3 {
        seen.push(status_of_a_quote(&gateway).await);
    }

    let seen: Vec<_> = seen.into_iter().flatten().collect();
    let meaning = "The upstream never answers the first quote. The gateway has to give up after about a second, with 504, and go on.";
    are(&seen, [504, 200, 200, 200], meaning);
}

/// Holds a paused clock until the sender is dropped, or the check hangs.
fn hold_the_clock() -> mpsc::Sender<()> {
    let (held, dropped) = mpsc::channel();
    // A paused clock waits for work that blocks.
    tokio::task::spawn_blocking(move || dropped.recv_timeout(ENOUGH));
    held
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
async fn listening(upstream: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, upstream).await });
    format!("http://{address}")
}

async fn status_of_a_quote(gateway: &Router) -> Option<u16> {
    let quote = HttpRequest::get("/quote").body(Body::empty()).unwrap_or_default();
    let answer = timeout(ENOUGH, gateway.clone().oneshot(quote)).await;
    answer.ok().map(|Ok(answer)| answer.status().as_u16())
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Run {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, ANSWER, controls).judged()
}

#[track_caller]
fn one_connection(report: &Report, subject: &str, meaning: &str) {
    report.assert_holds();
    let connections = report.counter(CONNECTIONS);
    Finding::new(subject, CONNECTIONS, connections, 1, connections == 1, meaning).assert_holds();
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
    are(&seen, expected, meaning);
}

#[track_caller]
fn are(seen: &[u16], expected: [u16; 4], meaning: &str) {
    let list = |statuses: &[u16]| statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let holds = seen == expected;
    Finding::new("four quotes in turn", "status", list(seen), list(&expected), holds, meaning).assert_holds();
}
