//! Lesson 07 · A seam for tests.
//!
//! A seam is a place where a test can put something else than production does. It belongs where a test has to control what it
//! cannot control otherwise: the time, randomness, other people's services, a failure. What stands in has to behave like the real thing, or the
//! test is about the stand-in: so both are held to one contract, a suite that runs against either.
//!
//! Read `members.rs` first (the seam), then `wrong.rs` (its stand-ins pass a functional test), `right.rs`, `contract.rs` and
//! `tests/proof.rs`. `sqlite.rs` is the real thing, `service.rs` what is tested, `clock.rs` the smallest useful seam; `broken/`
//! holds what the compiler refuses.

pub mod clock;
pub mod contract;
pub mod dispatch;
mod members;
pub mod right;
mod service;
pub mod sqlite;
pub mod wrong;

use lab::{
    Control, Controls, Count, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Step, Transcript, Variant,
};
use serde_json::{Value, json};

pub use members::{Answer, Fault, Member, Members};
pub use service::{Shared, app};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 7,
    slug: "a-seam-for-tests",
    title: "A seam for tests",
    question: Question::Q21,
    saying: "mock the database",
    experiments: &[STAND_INS, FORTY_SIGN_UPS],
};

/// The same requests, on a database and on what stands in for it in tests.
pub const STAND_INS: Experiment = Experiment {
    slug: "stand-ins",
    title: "The stand-ins of a database",
    watch: "The handlers are the same. Does the stand-in answer as the database does?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "mock",
            side: Side::Wrong,
            says: "answers each call with what the test's author wrote down",
            app: |probes| Box::pin(wrong::mock(probes)),
        },
        Variant {
            name: "loose-fake",
            side: Side::Wrong,
            says: "keeps members in a map, by the address as it was sent",
            app: |probes| Box::pin(wrong::loose_fake(probes)),
        },
        Variant {
            name: "fake",
            side: Side::Right,
            says: "keeps members in a map, and passes the database's contract",
            app: |probes| Box::pin(right::fake(probes)),
        },
        Variant {
            name: "sqlite",
            side: Side::Right,
            says: "is the database, in memory",
            app: |probes| Box::pin(right::sqlite(probes)),
        },
    ],
    judge: judge_stand_ins,
};

/// Requests as a test of the handlers sends them.
pub const FORTY_SIGN_UPS: Experiment = Experiment {
    slug: "forty-sign-ups",
    title: "Forty sign-ups in a handler's test",
    watch: "How many statements does a test of the handlers run?",
    controls: &[Control::REQUESTS.default_of(40)],
    plan: Plan::Count(Count { requests: sign_ups, at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "sqlx-in-the-handler",
            side: Side::Wrong,
            says: "writes the SQL into the handlers, so that each test has to bring a database",
            app: |probes| Box::pin(wrong::sqlx_in_the_handler(probes)),
        },
        Variant {
            name: "fake",
            side: Side::Right,
            says: "keeps members in a map, and passes the database's contract",
            app: |probes| Box::pin(right::fake(probes)),
        },
    ],
    judge: judge_statements,
};

const STEPS: &[Step] = &[
    Step { says: "Ada signs up.", request: |_| sign_up("ada@example.org", "Ada") },
    Step { says: "She looks herself up.", request: |_| Request::get("/members/ada@example.org") },
    Step { says: "Ben signs up.", request: |_| sign_up("Ben@example.org", "Ben") },
    Step {
        says: "Somebody signs up with Ada's address in capitals.",
        request: |_| sign_up("ADA@example.org", "Eve"),
    },
    Step { says: "Everybody is listed, by address.", request: |_| Request::get("/members") },
    Step {
        says: "Somebody looks up an address that nobody has.",
        request: |_| Request::get("/members/eve@example.org"),
    },
];

// The places of the steps in the transcript.
const SIGNED_UP: usize = 0;
const FOUND: usize = 1;
const TAKEN: usize = 3;
const LISTED: usize = 4;
const UNKNOWN: usize = 5;

fn sign_up(email: &str, name: &str) -> Request {
    Request::post("/members", json!({ "email": email, "name": name }))
}

fn sign_ups(controls: &Controls) -> Vec<Request> {
    (0..controls.requests()).map(|n| sign_up(&format!("member-{n}@example.org"), "Member")).collect()
}

fn judge_stand_ins(report: &Report) -> Vec<Finding> {
    let finding = |subject: &str, step, expected: u16, meaning: &str| {
        Finding::status(subject, report.status(step), expected, meaning)
    };
    let list = report.exchanges().get(LISTED).map_or(Value::Null, |exchange| exchange.body.clone());
    let names = list.as_array().into_iter().flatten().filter_map(|member| member["name"].as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    let ordered = "Ada, Ben";
    let twice = "The database knows that it is the same address. A test on this stand-in is green, production says 409.";
    vec![
        finding("a sign-up", SIGNED_UP, 201, "The service does not work yet."),
        finding("who signed up", FOUND, 200, "The service does not work yet."),
        finding("the same address in capitals", TAKEN, 409, twice),
        Finding::new(
            "the list",
            "names, by address",
            names.as_str(),
            ordered,
            names == ordered,
            "The database orders addresses without regard to case, and holds those that were put in.",
        ),
        finding(
            "an address that nobody has",
            UNKNOWN,
            404,
            "What is never absent cannot show what absence does.",
        ),
    ]
}

fn judge_statements(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let statements = report.counter(sqlite::STATEMENTS);
    vec![
        Finding::all_answered(format!("{sent} sign-ups"), "answered with 2xx", succeeded, sent),
        Finding::new(
            "a database behind them",
            "statements",
            statements,
            0,
            statements == 0,
            "The handlers cannot run without one, so a test of a handler is a test of the database as well.",
        ),
    ]
}
