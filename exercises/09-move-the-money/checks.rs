//! The checks of exercise 09. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, and at the accounts over a connection of their own.

use std::sync::LazyLock;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use lab::{
    Control, Experiment, Finding, Observed, Plan, Probes, Report, Request, Run, Side, Step, Timeline,
    Transcript, Variant, shown_status,
};
use pool_starvation::{Bank, BankError, LESSON, PARTNER, POOL, TEN_STATEMENTS, TEN_TRANSFERS};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(audited(probes)),
};

/// The service, and two doors for the auditors.
async fn audited(probes: Probes) -> Router {
    async fn audit(State(bank): State<Bank>, Path(name): Path<String>) -> Result<Json<i64>, BankError> {
        bank.audited(&name).await.map(Json)
    }
    let bank = Bank::new(&probes).await;
    let auditors = Router::new()
        .route("/audit/{name}", get(audit))
        .route(WRITING, post(audit_while_writing))
        .with_state(bank.clone());
    crate::app(bank).merge(auditors)
}

/// The auditors' long job.
const WRITING: &str = "/audits";

/// Holds the write lock of the database, over a connection of its own, from before the transfers leave the partner until
/// thirty audits are done. Until it tries to write, a transfer does less than one of them.
async fn audit_while_writing(State(bank): State<Bank>) -> Result<StatusCode, BankError> {
    let mut auditors = SqliteConnection::connect_with(&bank.pool().connect_options()).await?;
    let writing = auditors.begin_with("BEGIN IMMEDIATE").await?;
    // In a gated run nobody leaves the partner before all have come.
    bank.ask_partner("ada").await;
    for _ in 0..30 {
        bank.audited("ada").await?;
    }
    writing.commit().await?;
    Ok(StatusCode::CREATED)
}

/// Transfers in turn; two of them are refused, and the last takes all that is left.
static IN_TURN: Experiment = Experiment {
    slug: "in-turn",
    title: "Transfers in turn",
    watch: "Do the answers and the accounts say the same?",
    controls: &[Control::HOLD_MS.default_of(1)],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const STEPS: &[Step] = &[
    Step { says: "Ada pays Ben 30", request: |_| pay("ben", 30) },
    Step { says: "Ada's account", request: |_| Request::get("/audit/ada") },
    Step { says: "Ben's account", request: |_| Request::get("/audit/ben") },
    Step { says: "Ada pays somebody who has no account", request: |_| pay("nobody", 30) },
    Step { says: "Ada's account after that", request: |_| Request::get("/audit/ada") },
    Step { says: "Ada pays more than she has", request: |_| pay("ben", 71) },
    Step { says: "Ada's account after that", request: |_| Request::get("/audit/ada") },
    Step { says: "Ada pays Ben 20", request: |_| pay("ben", 20) },
    Step { says: "Ada's account at the end", request: |_| Request::get("/audit/ada") },
    Step { says: "Ben's account at the end", request: |_| Request::get("/audit/ben") },
    Step { says: "Ada pays Ben all that she has", request: |_| pay("ben", 50) },
    Step { says: "Ada's account when it is empty", request: |_| Request::get("/audit/ada") },
];

/// A transfer and what is said about it. There are two connections, so that also a wasteful statement gets its answer.
static STATEMENTS: Experiment = Experiment {
    slug: "statements",
    title: "A transfer and two statements",
    watch: "Does the statement say what the accounts say?",
    controls: &[POOL.default_of(2), Control::HOLD_MS.default_of(1)],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "Ada pays Ben 30", request: |_| pay("ben", 30) },
            Step { says: "Ada's statement", request: |_| Request::get("/accounts/ada/statement") },
            Step { says: "nobody's statement", request: |_| Request::get("/accounts/nobody/statement") },
        ],
    }),
    ..IN_TURN
};

fn pay(to: &str, cents: u32) -> Request {
    Request::post("/transfers", json!({ "from": "ada", "to": to, "cents": cents }))
}

/// Three transfers while somebody else writes.
static WHILE_WRITING: Experiment = Experiment {
    plan: Plan::Timeline(Timeline {
        requests: |_| vec![Request::post(WRITING, json!({})), pay("ben", 1), pay("ben", 1), pay("ben", 1)],
    }),
    judge: |report| {
        let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
        let done = lanes.iter().skip(1).filter(|lane| lane.status == Some(201)).count();
        vec![Finding::new(
            "3 transfers, while the auditors write",
            "answered with 201",
            done,
            3,
            done == 3,
            "A transaction that has read and then wants to write is refused at once while somebody else is writing. One that \
             begins as a writer waits for its turn.",
        )]
    },
    ..TEN_TRANSFERS
};

// Two checks look at this run.
static TURNS: LazyLock<Report> = LazyLock::new(|| run(&IN_TURN, &[]).report());

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, asked: &[(&str, u64)]) -> Run {
    let controls = experiment.controls(asked.iter().copied()).expect("each of them has these controls");
    Run::of(&LESSON, experiment, ANSWER, controls).judged()
}

#[test]
fn a_transfer_moves_the_money() {
    let meaning = "A transfer that was answered with 201 has to be in the database, on both accounts.";
    said(&TURNS, 0, 201, None, meaning);
    said(&TURNS, 1, 200, Some(json!(70)), meaning);
    said(&TURNS, 2, 200, Some(json!(30)), meaning);
    said(&TURNS, 10, 201, None, "She has as much as she pays.");
    said(&TURNS, 11, 200, Some(json!(0)), meaning);
    let statements = run(&STATEMENTS, &[]).report();
    let statement = json!({ "cents": 70, "entries": [-30] });
    said(&statements, 1, 200, Some(statement), "The statement has to say what the accounts say.");
    said(&statements, 2, 404, None, "An account that does not exist has no statement.");
}

#[test]
fn a_refused_transfer_leaves_nothing_behind() {
    let meaning =
        "A transfer that is refused changes nothing, neither on the accounts nor on the connection it used.";
    said(&TURNS, 3, 404, None, "There is no such account.");
    said(&TURNS, 4, 200, Some(json!(70)), meaning);
    said(&TURNS, 5, 409, None, "There is not enough money.");
    said(&TURNS, 6, 200, Some(json!(70)), meaning);
    said(&TURNS, 7, 201, None, meaning);
    said(&TURNS, 8, 200, Some(json!(50)), meaning);
    said(&TURNS, 9, 200, Some(json!(50)), meaning);
}

#[test]
fn ten_transfers_are_at_the_partner_together() {
    let report = run(&TEN_TRANSFERS, &[(POOL.name, 4), ("hold_ms", 1)]).gated().report();

    at_the_partner_together(&report);
    report.assert_holds();
}

#[test]
fn transfers_wait_for_their_turn_while_somebody_else_writes() {
    run(&WHILE_WRITING, &[(POOL.name, 4), ("hold_ms", 1)]).gated().report().assert_holds();
}

#[test]
fn ten_statements_at_once_share_two_connections() {
    run(&TEN_STATEMENTS, &[(POOL.name, 2), ("hold_ms", 1)]).gated().report().assert_holds();
}

#[track_caller]
fn at_the_partner_together(report: &Report) {
    let Observed::Timeline { lanes, .. } = &report.observed else { panic!("not a timeline") };
    let (sent, most) = (lanes.len(), report.gauge(PARTNER));
    Finding::new(
        format!("{sent} transfers, four connections"),
        "most at the partner bank at once",
        most,
        sent,
        usize::try_from(most) == Ok(sent),
        "The partner takes all of them at once. Something that is scarce is held during the call.",
    )
    .assert_holds();
}

/// Looks at one answer of a transcript.
#[track_caller]
fn said(report: &Report, step: usize, status: u16, body: Option<Value>, meaning: &str) {
    report.assert_holds();
    let exchange = &report.exchanges()[step];
    let text = |status: Option<u16>, body: &Value| match status {
        Some(status) if !body.is_null() && body != "" => format!("{status} {body}"),
        status => shown_status(status),
    };
    let holds = exchange.status == Some(status) && body.as_ref().is_none_or(|body| *body == exchange.body);
    let expected = text(Some(status), &body.unwrap_or_default());
    Finding::new(&exchange.says, "answer", text(exchange.status, &exchange.body), expected, holds, meaning)
        .assert_holds();
}
