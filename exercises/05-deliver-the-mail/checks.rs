//! The checks of exercise 05. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: at the answers of your service, and at the mail server while processes end in several ways.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use background_work::{A_CRASH, A_DEPLOY, LESSON, Line, Machine, REFUSED, World, run_on};
use lab::{Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant};
use serde_json::{Value, json};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |_| Box::pin(async { service() }),
};

/// How long a check waits for a mail before it says that none has come.
const PATIENCE: Duration = Duration::from_secs(2);

/// The answer on the lesson's machine, and two more doors to the mail server.
fn service() -> Router {
    async fn no_answers(State(machine): State<Machine>) -> StatusCode {
        machine.world().mail.set_line(Line::NoAnswers);
        StatusCode::NO_CONTENT
    }
    async fn taken(State(machine): State<Machine>, Path(mails): Path<usize>) -> Json<usize> {
        let waited = tokio::time::timeout(PATIENCE, machine.world().mail.has_taken(mails)).await;
        drop(waited);
        Json(machine.world().mail.deliveries())
    }
    async fn on_its_way(State(machine): State<Machine>) -> StatusCode {
        let waited = tokio::time::timeout(PATIENCE, machine.world().mail.has_been_called(1)).await;
        // An answer that does not even try before the crash has nothing on its way, and is judged by what arrives.
        drop(waited);
        StatusCode::NO_CONTENT
    }
    let machine = Machine::new(|world, door, stop| Box::pin(crate::shop(world, door, stop)), World::new());
    let doors = Router::new()
        .route("/mail-server/no-answers", post(no_answers))
        .route("/mail-server/taken/{mails}", get(taken))
        .route("/mail-server/on-its-way", get(on_its_way))
        .with_state(machine.clone());
    run_on(machine).merge(doors)
}

fn press(path: &str) -> Request {
    Request { method: "POST".to_owned(), ..Request::get(path) }
}

fn sign_up(email: &str) -> Request {
    Request::post("/signups", json!({ "email": email }))
}

const ADA: &str = "ada@example.com";

const UP: Step = Step { says: "the mail server takes mail", request: |_| press("/mail-server/up") };
const START: Step = Step { says: "the process starts again", request: |_| press("/machine/start") };
const STOP: Step = Step { says: "the process is asked to stop", request: |_| press("/machine/stop") };
const ENDED: Step = Step { says: "the process has ended", request: |_| press("/machine/ended") };
const INBOX: Step = Step { says: "what has arrived", request: |_| Request::get("/mail-server/inbox") };
const ADA_SIGNS_UP: Step = Step { says: "Ada signs up", request: |_| sign_up(ADA) };
const ONE_TAKEN: Step =
    Step { says: "mails taken by the mail server", request: |_| Request::get("/mail-server/taken/1") };

const fn transcript(slug: &'static str, title: &'static str, steps: &'static [Step]) -> Experiment {
    Experiment {
        slug,
        title,
        watch: "What arrives?",
        controls: &[],
        plan: Plan::Transcript(Transcript { steps }),
        upstream: None,
        variants: &[],
        judge: |_| Vec::new(),
    }
}

static TWICE: Experiment = transcript(
    "twice",
    "A sign-up, and the same again",
    &[
        UP,
        ADA_SIGNS_UP,
        ONE_TAKEN,
        Step { says: "Ada signs up again", request: |_| sign_up(ADA) },
        STOP,
        ENDED,
        INBOX,
        ONE_TAKEN,
    ],
);

/// The lesson's crash, at the moment at which it hurts: the process has called the mail server and waits for it.
static ON_ITS_WAY: Experiment = Experiment {
    judge: A_CRASH.judge,
    ..transcript(
        "on-its-way",
        "A crash while a mail is on its way",
        &[
            ADA_SIGNS_UP,
            Step { says: "her mail is on its way", request: |_| Request::get("/mail-server/on-its-way") },
            Step { says: "the power fails", request: |_| press("/machine/crash") },
            UP,
            START,
            STOP,
            ENDED,
            INBOX,
        ],
    )
};

static TAKEN: Experiment = transcript(
    "taken",
    "A crash after the mail was taken, before it was confirmed",
    &[
        Step { says: "the mail server's answers get lost", request: |_| press("/mail-server/no-answers") },
        ADA_SIGNS_UP,
        ONE_TAKEN,
        Step { says: "the power fails", request: |_| press("/machine/crash") },
        UP,
        START,
        STOP,
        ENDED,
        INBOX,
    ],
);

static REFUSED_FIRST: Experiment = transcript(
    "refused-first",
    "A mail that is refused for ever, and one behind it",
    &[
        UP,
        Step { says: "somebody signs up with an address that is refused", request: |_| sign_up(REFUSED) },
        ADA_SIGNS_UP,
        ONE_TAKEN,
        STOP,
        ENDED,
        INBOX,
    ],
);

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Report {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, ANSWER, controls).judged().report()
}

#[test]
fn a_sign_up_sends_one_mail() {
    let report = run(&TWICE);

    report.assert_holds();
    said(&report, 1, 201, None, "A new account is answered with 201.");
    said(&report, 2, 200, Some(json!(1)), "A sign-up sends a mail.");
    said(&report, 3, 409, None, "There is an account with this address already.");
    said(&report, 6, 200, Some(json!([ADA])), "A sign-up that is refused sends nothing.");
    said(&report, 7, 200, Some(json!(1)), "A sign-up that is refused sends nothing.");
}

#[test]
fn a_deploy_loses_no_mail() {
    run(&A_DEPLOY).assert_holds();
}

#[test]
fn a_crash_loses_no_mail() {
    run(&A_CRASH).assert_holds();
    run(&ON_ITS_WAY).assert_holds();
}

#[test]
fn a_mail_that_was_taken_before_a_crash_arrives_once() {
    let report = run(&TAKEN);

    report.assert_holds();
    said(&report, 1, 201, None, "The answer must not wait for the mail server.");
    let meaning =
        "A mail that may have been sent is sent again. The reader gets it once if it is the same mail.";
    said(&report, 8, 200, Some(json!([ADA])), meaning);
}

#[test]
fn a_mail_that_is_refused_holds_nobody_up() {
    let report = run(&REFUSED_FIRST);

    let meaning = "One address that is refused for ever must not stand in front of all others.";
    said(&report, 3, 200, Some(json!(1)), meaning);
    report.assert_holds();
    said(&report, 6, 200, Some(json!([ADA])), meaning);
}

#[track_caller]
fn said(report: &Report, step: usize, status: u16, body: Option<Value>, meaning: &str) {
    let Some(exchange) = report.exchanges().get(step) else {
        return report.assert_holds();
    };
    let text = |status: Option<u16>, body: &Value| match status {
        Some(status) if body.is_null() || body == "" => status.to_string(),
        Some(status) => format!("{status} {body}"),
        None => "no answer".to_owned(),
    };
    let holds = exchange.status == Some(status) && body.as_ref().is_none_or(|body| *body == exchange.body);
    let expected = text(Some(status), &body.unwrap_or_default());
    Finding::new(&exchange.says, "answer", text(exchange.status, &exchange.body), expected, holds, meaning)
        .assert_holds();
}
