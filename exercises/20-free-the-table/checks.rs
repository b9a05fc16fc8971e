//! The checks of exercise 20. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, and at the calls that reach the exchange.

use std::sync::LazyLock;

use lab::{
    Control, Experiment, Finding, Observed, Plan, Report, Request, Run, Side, Step, Timeline, Transcript,
    Variant,
};
use locks_across_await::{CALLS, Exchange, LESSON, TEN_RATES};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(async move { crate::app(Exchange::new(&probes)) }),
};

/// Requests in turn.
static IN_TURN: Experiment = Experiment {
    slug: "in-turn",
    title: "Rates in turn",
    watch: "Which of them reach the exchange?",
    controls: &[Control::HOLD_MS.default_of(1)],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const STEPS: &[Step] = &[
    Step { says: "the first request for EUR", request: |_| Request::get("/rates/EUR") },
    Step { says: "the second request for EUR", request: |_| Request::get("/rates/EUR") },
    Step { says: "a request for USD", request: |_| Request::get("/rates/USD") },
    Step { says: "the third request for EUR", request: |_| Request::get("/rates/EUR") },
    Step { says: "a request for XTS while the exchange is out", request: |_| Request::get("/rates/XTS") },
    Step { says: "a request for XTS when it is back", request: |_| Request::get("/rates/XTS") },
    Step { says: "a request for a made-up currency", request: |_| Request::get("/rates/DOG") },
];

/// EUR, USD, twice XTS and the made-up one.
const CALLS_IN_TURN: u64 = 5;

/// Ten requests for one currency, at once.
static ONE_CURRENCY: Experiment = Experiment {
    plan: Plan::Timeline(Timeline {
        requests: |controls| vec![Request::get("/rates/EUR"); controls.requests()],
    }),
    judge: judge_one_call,
    ..TEN_RATES
};

fn judge_one_call(report: &Report) -> Vec<Finding> {
    let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
    let ok = lanes.iter().filter(|lane| lane.status == Some(200)).count();
    let calls = report.counter(CALLS);
    vec![
        Finding::new(
            format!("{} requests for EUR, sent together", lanes.len()),
            "answered with 200",
            ok,
            lanes.len(),
            ok == lanes.len(),
            "Everybody who waits for a rate has to get it.",
        ),
        Finding::new(
            "the exchange behind them",
            CALLS,
            calls,
            1,
            calls == 1,
            "The exchange sends a bill for each call. Whoever finds a call for the same currency under way can wait for it.",
        ),
    ]
}

// Several checks look at this run.
static TURNS: LazyLock<Report> = LazyLock::new(|| run(&IN_TURN, 1).report());

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, hold_ms: u64) -> Run {
    let controls = experiment.controls([("hold_ms", hold_ms)]).expect("each of them has this control");
    Run::of(&LESSON, experiment, ANSWER, controls).judged()
}

#[test]
fn a_rate_is_fetched_once_and_kept() {
    for step in [0, 1, 2, 3] {
        status(step, 200, "A rate that the exchange knows has to be answered.");
    }
    let bodies = [0, 1, 3, 2].map(|step| &TURNS.exchanges()[step].body);
    let same = bodies[..3].iter().all(|body| *body == bodies[0]) && bodies[0] != bodies[3];
    Finding::new(
        "three requests for EUR, one for USD",
        "rates",
        format!("{} {} {}, USD {}", bodies[0], bodies[1], bodies[2], bodies[3]),
        "one for EUR, another for USD",
        same,
        "Each currency has a rate of its own, and it stays.",
    )
    .assert_holds();
    let calls = TURNS.counter(CALLS);
    Finding::new(
        "seven requests in turn",
        CALLS,
        calls,
        format!("at most {CALLS_IN_TURN}"),
        calls <= CALLS_IN_TURN,
        "A rate that is known has to be answered from the table.",
    )
    .assert_holds();
}

#[test]
fn an_unknown_currency_is_not_found() {
    status(6, 404, "The client has mistyped something. Trying again will not help it.");
}

#[test]
fn a_failed_call_is_made_again_by_the_next_request() {
    status(4, 502, "The exchange did not answer, and the client should know whose fault it is.");
    status(5, 200, "A failure is no rate. The exchange is back, and the next request has to ask it.");
}

#[test]
fn ten_currencies_are_fetched_together() {
    run(&TEN_RATES, 1).gated().report().assert_holds();
}

#[test]
fn ten_requests_for_one_currency_ask_once() {
    // Not gated: a right answer sends one call, which would wait at the gate for nine others.
    run(&ONE_CURRENCY, 100).report().assert_holds();
}

#[track_caller]
fn status(step: usize, expected: u16, meaning: &str) {
    TURNS.assert_holds();
    let exchange = &TURNS.exchanges()[step];
    let seen = exchange.status.map_or_else(|| exchange.body.to_string(), |status| status.to_string());
    Finding::new(&exchange.says, "status", seen, expected, exchange.status == Some(expected), meaning)
        .assert_holds();
}
