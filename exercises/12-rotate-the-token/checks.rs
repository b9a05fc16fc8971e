//! The checks of exercise 12. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract};
use lab::{
    Exchange, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Transcript, Variant,
};
use refresh_tokens::{A_STOLEN_TOKEN, LESSON, TEN_AT_ONCE, store::Store, users};
use serde_json::json;
use tower::ServiceExt as _;

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(async move { crate::app(Store::new(&probes)) }),
};

/// Two copies of the service behind a load balancer, with one store.
const TWO_REPLICAS: Variant = Variant { app: |probes| Box::pin(two_replicas(probes)), ..ANSWER };

async fn two_replicas(probes: Probes) -> Router {
    let store = Store::new(&probes);
    let replicas = [crate::app(store.clone()), crate::app(store)];
    let turn = Arc::new(AtomicUsize::new(0));
    Router::new().fallback(move |request: extract::Request| {
        let replica = replicas[turn.fetch_add(1, Ordering::SeqCst) % replicas.len()].clone();
        replica.oneshot(request)
    })
}

/// One client that refreshes again and again, and a second login of the same user beside it.
static SESSIONS: Experiment = Experiment {
    slug: "sessions",
    title: "Two sessions of one user",
    watch: "Does each session live on, and end alone?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const STEPS: &[Step] = &[
    Step { says: "Ada logs in.", request: log_in },
    Step { says: "Ada logs in on her phone.", request: log_in },
    Step { says: "Ada refreshes.", request: |so_far| refresh(so_far, LOGIN) },
    Step { says: "Ada refreshes again.", request: |so_far| refresh(so_far, LOGIN + 2) },
    Step { says: "Ada refreshes a third time.", request: |so_far| refresh(so_far, LOGIN + 3) },
    Step { says: "Somebody uses Ada's first token again.", request: |so_far| refresh(so_far, LOGIN) },
    Step { says: "The phone refreshes.", request: |so_far| refresh(so_far, PHONE) },
    Step { says: "Somebody refreshes with a token from nowhere.", request: |_| with_token("from nowhere") },
    Step { says: "Somebody logs in as Ada with a wrong password.", request: |_| log_in_as(users::ADA.name) },
    Step { says: "Somebody logs in as nobody.", request: |_| log_in_as("nobody") },
];

// The places of the steps in the transcript.
const LOGIN: usize = 0;
const PHONE: usize = 1;
const REFRESHES: [usize; 3] = [2, 3, 4];
const PHONE_AFTER: usize = 6;
const REFUSED: [usize; 3] = [7, 8, 9];

/// As the lesson's own experiment does it: only the lesson knows the password.
fn log_in(_: &[Exchange]) -> Request {
    let Plan::Transcript(theft) = &A_STOLEN_TOKEN.plan else { panic!("the theft is told as a transcript") };
    (theft.steps[0].request)(&[])
}

fn log_in_as(user: &str) -> Request {
    Request::post("/login", json!({ "user": user, "password": "let me in" }))
}

fn refresh(so_far: &[Exchange], step: usize) -> Request {
    with_token(so_far[step].body["refresh_token"].as_str().unwrap_or_default())
}

fn with_token(token: &str) -> Request {
    Request::post("/refresh", json!({ "refresh_token": token }))
}

// Several checks look at each of these runs.
static THEFT: LazyLock<Report> = LazyLock::new(|| run(&A_STOLEN_TOKEN, ANSWER).report());
static TWO_SESSIONS: LazyLock<Report> = LazyLock::new(|| run(&SESSIONS, ANSWER).report());

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, variant: Variant) -> Run {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, variant, controls).judged()
}

#[test]
fn an_honest_user_is_served() {
    found("Ada's own four requests");
}

#[test]
fn a_wrong_password_or_token_is_refused() {
    for step in REFUSED {
        status(
            step,
            401,
            "What the service does not know it has to refuse, like anything else that is not valid.",
        );
    }
}

#[test]
fn a_refresh_token_is_refused_at_the_profile() {
    found("a refresh token at the profile");
}

#[test]
fn the_role_is_the_same_after_a_refresh() {
    found("Ada's role after a refresh");
}

#[test]
fn a_session_lives_on_from_refresh_to_refresh() {
    let meaning = "Each refresh has to hand out the next refresh token, or the session ends with it.";
    for step in REFRESHES {
        status(step, 200, meaning);
    }
    let tokens =
        [LOGIN, 2, 3, 4].map(|step| TWO_SESSIONS.exchanges()[step].body["refresh_token"].to_string());
    let different = tokens.iter().collect::<std::collections::BTreeSet<_>>().len();
    Finding::new(
        "a login and three refreshes",
        "different refresh tokens",
        different,
        tokens.len(),
        different == tokens.len(),
        "A token that stays the same cannot tell its owner from whoever has copied it.",
    )
    .assert_holds();
}

#[test]
fn a_refresh_token_used_twice_ends_its_family() {
    found("a refresh token used twice");
    found("Ada's newest token after that");
}

#[test]
fn another_login_outlives_the_revoked_family() {
    status(
        PHONE_AFTER,
        200,
        "Only the session whose token was copied is in doubt. The phone logged in by itself.",
    );
}

#[test]
fn of_ten_refreshes_at_once_on_two_replicas_one_wins() {
    run(&TEN_AT_ONCE, TWO_REPLICAS).gated().report().assert_holds();
}

/// Looks at one finding of the lesson's judge.
#[track_caller]
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn found(subject: &str) {
    let findings = &THEFT.verdict.findings;
    // A run that was cut has a finding of its own, and the others mean little then.
    let cut = findings.iter().find(|finding| finding.subject == "the run");
    let finding = cut.or_else(|| findings.iter().find(|finding| finding.subject == subject));
    finding.expect("the lesson's judge has this finding").assert_holds();
}

/// Looks at the status of one answer in [`SESSIONS`].
#[track_caller]
fn status(step: usize, expected: u16, meaning: &str) {
    TWO_SESSIONS.assert_holds();
    let exchange = &TWO_SESSIONS.exchanges()[step];
    let seen = exchange.status.map_or_else(|| exchange.body.to_string(), |status| status.to_string());
    Finding::new(&exchange.says, "status", seen, expected, exchange.status == Some(expected), meaning)
        .assert_holds();
}
