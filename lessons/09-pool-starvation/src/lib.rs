//! Lesson 09 · A connection is held for its statements, and given back.
//!
//! A pool is a small number of connections that all requests share. Whoever holds one while waiting for something makes
//! the pool smaller; whoever holds one while waiting for *another one* can stop it for everybody. A transaction is a
//! connection with a promise: it ends with a commit, or what it did is taken back.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `bank.rs` (the database)
//! serves both sides.

pub mod bank;
pub mod right;
pub mod wrong;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{MethodRouter, get},
};
use lab::{
    Control, Controls, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side, Step,
    Timeline, Transcript, Variant,
};
use serde_json::json;

pub use bank::{Bank, BankError, CreateTransfer, PARTNER, POOL, StatementResponse};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 9,
    slug: "pool-starvation",
    title: "Resource scope and pool starvation",
    question: Question::Q21,
    saying: "keep transactions short",
    experiments: &[TEN_STATEMENTS, TEN_TRANSFERS, A_FAILED_TRANSFER],
};

/// Ten account statements at once, on a pool of four.
pub const TEN_STATEMENTS: Experiment = Experiment {
    slug: "ten-statements",
    title: "Ten account statements, four connections",
    watch: "How many reach the partner bank at once, and how many are answered at all?",
    controls: &[Control::REQUESTS, POOL, Control::HOLD_MS],
    plan: Plan::Timeline(Timeline { requests: statements }),
    upstream: None,
    variants: &[
        Variant {
            name: "second-connection",
            side: Side::Wrong,
            says: "takes a second connection while it holds one",
            app: |probes| Box::pin(wrong::second_connection(probes)),
        },
        Variant {
            name: "held-over-a-call",
            side: Side::Wrong,
            says: "keeps its connection while it asks another service",
            app: |probes| Box::pin(wrong::held_over_a_call(probes)),
        },
        Variant {
            name: "one-connection",
            side: Side::Right,
            says: "asks first, then takes one connection for all it reads",
            app: |probes| Box::pin(right::one_connection(probes)),
        },
    ],
    judge: judge_statements,
};

/// Ten transfers at once, each of which reads the balance and then writes it.
pub const TEN_TRANSFERS: Experiment = Experiment {
    slug: "ten-transfers",
    title: "Ten transfers at once",
    watch: "There is money for all of them. How many go through?",
    controls: &[Control::REQUESTS, POOL.default_of(10), Control::HOLD_MS.default_of(50)],
    plan: Plan::Timeline(Timeline { requests: transfers }),
    upstream: None,
    variants: &[
        Variant {
            name: "deferred",
            side: Side::Wrong,
            says: "begins, reads the balance, then writes",
            app: |probes| Box::pin(wrong::deferred(probes)),
        },
        Variant {
            name: "immediate",
            side: Side::Right,
            says: "takes the write lock with BEGIN IMMEDIATE, then reads and writes",
            app: |probes| Box::pin(right::immediate(probes)),
        },
        Variant {
            name: "write-first",
            side: Side::Right,
            says: "lets the first statement write, and a constraint check",
            app: |probes| Box::pin(right::write_first(probes)),
        },
    ],
    judge: judge_transfers,
};

/// Transfers in turn over one connection. One of them names somebody who does not exist.
pub const A_FAILED_TRANSFER: Experiment = Experiment {
    slug: "a-failed-transfer",
    title: "A transfer that fails half-way",
    watch: "What do the auditors see after each answer, over a connection of their own?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "hand-made",
            side: Side::Wrong,
            says: "sends BEGIN and COMMIT as statements",
            app: |probes| Box::pin(wrong::hand_made(probes)),
        },
        Variant {
            name: "no-commit",
            side: Side::Wrong,
            says: "forgets to commit",
            app: |probes| Box::pin(wrong::no_commit(probes)),
        },
        Variant {
            name: "transaction",
            side: Side::Right,
            says: "commits before it answers; dropped on any other way out",
            app: |probes| Box::pin(right::immediate(probes)),
        },
    ],
    judge: judge_failure,
};

const STEPS: &[Step] = &[
    Step { says: "Ada pays Ben 30.", request: |_| pay("ben", 30) },
    Step { says: "The auditors look at Ada's account.", request: |_| Request::get("/accounts/ada/audit") },
    Step { says: "Ada pays somebody who has no account.", request: |_| pay("nobody", 30) },
    Step { says: "The auditors look again.", request: |_| Request::get("/accounts/ada/audit") },
    Step { says: "Ada pays Ben 20.", request: |_| pay("ben", 20) },
    Step { says: "The auditors look again.", request: |_| Request::get("/accounts/ada/audit") },
];

/// What the steps answer: status and, for the auditors, cents.
const EXPECTED: [(u16, Option<i64>); 6] =
    [(201, None), (200, Some(70)), (404, None), (200, Some(70)), (201, None), (200, Some(50))];

fn pay(to: &str, cents: u32) -> Request {
    Request::post("/transfers", json!({ "from": "ada", "to": to, "cents": cents }))
}

fn statements(controls: &Controls) -> Vec<Request> {
    vec![Request::get("/accounts/ada/statement"); controls.requests()]
}

fn transfers(controls: &Controls) -> Vec<Request> {
    vec![pay("ben", 1); controls.requests()]
}

/// The service around a transfer: the auditors' door.
pub(crate) fn ledger(transfer: MethodRouter<Bank>, bank: Bank) -> Router {
    async fn audit(State(bank): State<Bank>, Path(name): Path<String>) -> Result<Json<i64>, BankError> {
        bank.audited(&name).await.map(Json)
    }
    Router::new().route("/transfers", transfer).route("/accounts/{name}/audit", get(audit)).with_state(bank)
}

fn lanes_with(report: &Report, status: u16) -> (usize, usize) {
    let Observed::Timeline { lanes, .. } = &report.observed else { return (0, 0) };
    (lanes.len(), lanes.iter().filter(|lane| lane.status == Some(status)).count())
}

fn judge_statements(report: &Report) -> Vec<Finding> {
    let (sent, answered) = lanes_with(report, 200);
    let most = report.gauge(PARTNER);
    vec![
        Finding::new(
            format!("{sent} statements, asked for together"),
            "answered with 200",
            answered,
            sent,
            answered == sent,
            "Requests wait for a connection until they give up. Whoever holds one waits as well.",
        ),
        Finding::new(
            "all of them",
            "most at the partner bank at once",
            most,
            sent,
            usize::try_from(most) == Ok(sent),
            "A connection is held during the call, so the pool decides how many may wait for the partner.",
        ),
    ]
}

fn judge_transfers(report: &Report) -> Vec<Finding> {
    let (sent, done) = lanes_with(report, 201);
    let (_, busy) = lanes_with(report, 503);
    vec![
        Finding::new(
            format!("{sent} transfers, sent together"),
            "answered with 201",
            done,
            sent,
            done == sent,
            "All have read before the first one writes. What the others have read is out of date then.",
        ),
        Finding::new(
            "the database behind them",
            "said that it is busy",
            busy,
            0,
            busy == 0,
            "A reader that becomes a writer is refused at once. The busy timeout of five seconds plays no part.",
        ),
    ]
}

fn judge_failure(report: &Report) -> Vec<Finding> {
    let exchanges = report.exchanges();
    let seen = |step: usize| {
        exchanges.get(step).map(|exchange| (exchange.status.unwrap_or(0), exchange.body.as_i64()))
    };
    let shown = |(status, cents): (u16, Option<i64>)| match cents {
        Some(cents) => cents.to_string(),
        None => status.to_string(),
    };
    let rows = [
        (0, "Ada's first transfer", "status", "A transfer between two accounts has to go through."),
        (
            1,
            "Ada's account after it",
            "cents",
            "The transfer was answered with 201 and is not in the database.",
        ),
        (
            2,
            "the transfer to nobody",
            "status",
            "An unknown account is the client's mistake, and has to be named.",
        ),
        (3, "Ada's account after it", "cents", "A transfer that was refused has changed something."),
        (
            4,
            "Ada's next transfer",
            "status",
            "The refused transfer is still open on the connection that it used.",
        ),
        (5, "Ada's account at the end", "cents", "What was answered and what is stored are not the same."),
    ];
    rows.into_iter()
        .map(|(step, subject, measure, meaning)| {
            // A refused transfer has to leave the account as it was, whatever that is.
            let before = if step == 3 { seen(1) } else { None };
            let expected = before.unwrap_or(EXPECTED[step]);
            let seen = seen(step);
            let said = seen.map_or_else(|| "no answer".to_owned(), shown);
            Finding::new(subject, measure, said, shown(expected), seen == Some(expected), meaning)
        })
        .collect()
}
