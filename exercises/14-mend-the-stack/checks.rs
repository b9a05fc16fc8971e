//! The checks of exercise 14. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: the lesson's experiments over real sockets, and a browser's headers.

use std::sync::LazyLock;

use axum::{
    body::Body,
    http::{self, Method, Response, header},
};
use lab::{
    Controls, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Transcript, Variant,
    shown_status,
};
use serde_json::json;
use tower::ServiceExt as _;
use transport_hygiene::{
    LESSON, PREFLIGHT, SHOP_ORIGIN, SIX_GUESSES, TWENTY_GUESSES, guess, log_in, log_in_by_address,
    profile_by_address,
    shop::{ADA, Shop},
};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(async move { crate::app(Shop::new(&probes)) }),
};

const IN_TURN: Experiment = Experiment { slug: "in-turn", judge: |_| Vec::new(), ..SIX_GUESSES };

static HONEST: Experiment = Experiment {
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "Ada logs in", request: |_| log_in(&ADA) },
            Step {
                says: "she opens her profile",
                request: |so_far| {
                    Request::get("/profile").bearer(so_far[0].body["token"].as_str().unwrap_or_default())
                },
            },
            Step { says: "somebody without a token", request: |_| Request::get("/profile") },
        ],
    }),
    ..IN_TURN
};

static BY_ADDRESS: Experiment = Experiment {
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "a login with the password in the address", request: |_| log_in_by_address(&ADA) },
            Step { says: "a profile with the session in the address", request: |_| profile_by_address(&ADA) },
        ],
    }),
    ..IN_TURN
};

static FOUR_AND_FIVE: Experiment = Experiment {
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "Ada mistypes", request: |_| guess(1) },
            Step { says: "and again", request: |_| guess(2) },
            Step { says: "and again", request: |_| guess(3) },
            Step { says: "and again", request: |_| guess(4) },
            Step { says: "then she gets it right", request: |_| log_in(&ADA) },
            Step { says: "an hour later she mistypes", request: |_| guess(5) },
            Step { says: "and again", request: |_| guess(6) },
            Step { says: "and gets it right", request: |_| log_in(&ADA) },
        ],
    }),
    ..IN_TURN
};

static NOBODY: Experiment = Experiment {
    plan: Plan::Transcript(Transcript { steps: &[GUESS, GUESS, GUESS, GUESS, GUESS, GUESS] }),
    ..IN_TURN
};

const GUESS: Step = Step {
    says: "a guess at a name that does not exist",
    request: |_| Request::post("/login", json!({ "user": "nobody", "password": "summer" })),
};

// Two checks look at this run.
static SIX: LazyLock<Report> = LazyLock::new(|| run(&SIX_GUESSES));

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Report {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, ANSWER, controls).judged().report()
}

#[test]
fn people_log_in_and_open_their_profile() {
    statuses(&HONEST, &[200, 200, 401], "Who does nothing wrong has to be served, and nobody else.");
}

#[test]
fn a_secret_in_the_address_opens_nothing() {
    let report = run(&BY_ADDRESS);

    report.assert_holds();
    for exchange in report.exchanges() {
        let seen = shown_status(exchange.status);
        let holds = exchange.status.is_some_and(|status| (400..500).contains(&status));
        let meaning = "What works will be used, and then it stands in every log on the way.";
        Finding::new(&exchange.says, "status", seen, "a refusal (4xx)", holds, meaning).assert_holds();
    }
}

#[test]
fn the_preflight_is_answered_and_the_profile_stays_shut() {
    run(&PREFLIGHT).assert_holds();
}

#[tokio::test]
async fn the_shops_own_pages_may_read_every_answer_and_no_others() {
    for method in [Method::OPTIONS, Method::GET] {
        let ours = ask(&method, SHOP_ORIGIN).await;
        let subject = format!("{method} from {SHOP_ORIGIN}");
        let meaning = "The shop's own pages have to be able to read the answer, also a refusal.";
        origin(&subject, &ours, SHOP_ORIGIN, allowed(&ours) == SHOP_ORIGIN, meaning);
        let credentials = ours.headers().get(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
        let holds = credentials.is_some_and(|value| value == "true");
        let meaning = "The shop's pages send credentials, and the browser asks whether they may.";
        let seen = if holds { "allowed" } else { "not allowed" };
        Finding::new(&subject, "credentials", seen, "allowed", holds, meaning).assert_holds();

        let other = "https://evil.example";
        let theirs = ask(&method, other).await;
        let holds = !["*", other].contains(&allowed(&theirs).as_str());
        let meaning = "Any site may read what its visitor may read here.";
        origin(&format!("{method} from {other}"), &theirs, "not this one", holds, meaning);
    }
}

#[test]
fn the_sixth_guess_is_refused_over_however_many_connections() {
    for subject in ["the first five guesses", "the sixth", "its answer"] {
        found(subject);
    }
    run(&TWENTY_GUESSES).assert_holds();
}

#[test]
fn nobody_else_is_locked_out() {
    found("Bob, with his password");
}

#[test]
fn the_right_password_forgets_the_wrong_ones_before_it() {
    let expected = [401, 401, 401, 401, 200, 401, 401, 200];
    statuses(
        &FOUR_AND_FIVE,
        &expected,
        "Five in a row are too many. Mistakes from before a success are not in a row.",
    );
}

#[test]
fn a_name_that_does_not_exist_is_counted_like_others() {
    let expected = [401, 401, 401, 401, 401, 429];
    statuses(&NOBODY, &expected, "If only real accounts are locked, the lock tells which accounts are real.");
}

/// What a browser sends, without a token.
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
async fn ask(method: &Method, origin: &str) -> Response<Body> {
    let request = http::Request::builder()
        .method(method)
        .uri("/profile")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization")
        .body(Body::empty())
        .expect("a valid request");
    crate::app(Shop::new(&Probes::new(Controls::default()))).oneshot(request).await.expect("it cannot fail")
}

fn allowed(answer: &Response<Body>) -> String {
    let value = answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    value.map_or_else(|| "none".to_owned(), |value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

#[track_caller]
fn origin(subject: &str, answer: &Response<Body>, expected: &str, holds: bool, meaning: &str) {
    Finding::new(subject, "allowed origin", allowed(answer), expected, holds, meaning).assert_holds();
}

/// Looks at one finding of the lesson's judge.
#[track_caller]
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn found(subject: &str) {
    let findings = &SIX.verdict.findings;
    // A run that was cut has a finding of its own, and the others mean little then.
    let cut = findings.iter().find(|finding| finding.subject == "the run");
    let finding = cut.or_else(|| findings.iter().find(|finding| finding.subject == subject));
    finding.expect("the lesson's judge has this finding").assert_holds();
}

/// Looks at the statuses of all answers.
#[track_caller]
fn statuses(experiment: &'static Experiment, expected: &[u16], meaning: &str) {
    let report = run(experiment);
    report.assert_holds();
    for (exchange, expected) in report.exchanges().iter().zip(expected) {
        Finding::status(&exchange.says, exchange.status, *expected, meaning).assert_holds();
    }
}
