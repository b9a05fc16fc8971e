//! Lesson 17 · Whole-app tests and telemetry.
//!
//! A green test says that one thing was so, on the road by which the test asked. What is decided by a handler can be asked of
//! the router; what is decided by the server, by several connections, by the shape on the wire or in the log has to be
//! asked there. And a test that shares a world with another one says something about both.
//!
//! Read `shop.rs` first (a service that can be built with one of five defects), then `wrong.rs` (suites that are green),
//! `right.rs` and `tests/proof.rs`. `harness.rs` holds what a suite needs: the roads, port 0, a log in memory; `suite.rs` runs a
//! suite against a build, `members.rs` runs four tests in every order.

pub mod harness;
mod members;
pub mod right;
mod shop;
mod suite;
pub mod wrong;

use lab::{Experiment, Finding, Lesson, Plan, Question, Report, Request, Side, Step, Transcript, Variant};
use serde_json::{Value, json};

pub use members::{DATABASES, TESTS, orders};
pub use shop::{Defect, Login, MOST_REPORTS, Quote, Reports, Shop, Wanted};
pub use suite::{ASKED, Suite, SuiteFuture, reports_made};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 17,
    slug: "whole-app-tests",
    title: "Whole-app tests and telemetry",
    question: Question::Q23,
    saying: "all tests are green",
    experiments: &[FIVE_BROKEN_BUILDS, EVERY_ORDER],
};

/// One suite against a sound build and five broken ones.
pub const FIVE_BROKEN_BUILDS: Experiment = Experiment {
    slug: "five-broken-builds",
    title: "One sound build, five broken ones",
    watch: "Which of the five does the suite let through?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: BUILDS }),
    upstream: None,
    variants: &[
        Variant {
            name: "router-only",
            side: Side::Wrong,
            says: "asks the router for everything and reads the answers with the service's own types",
            app: |probes| Box::pin(wrong::router_only(probes)),
        },
        Variant {
            name: "own-server",
            side: Side::Wrong,
            says: "asks over sockets, of a server that the test puts together itself",
            app: |probes| Box::pin(wrong::own_server(probes)),
        },
        Variant {
            name: "each-where-it-shows",
            side: Side::Right,
            says: "asks the router, the service's own server, the bytes and the log, each for what it decides",
            app: |probes| Box::pin(right::each_where_it_shows(probes)),
        },
    ],
    judge: judge_builds,
};

/// Four tests, each of them right, in every order and at the same time.
pub const EVERY_ORDER: Experiment = Experiment {
    slug: "every-order",
    title: "Four tests in every order",
    watch: "The service is sound. How often is the suite red?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: ORDERS }),
    upstream: None,
    variants: &[
        Variant {
            name: "one-database",
            side: Side::Wrong,
            says: "opens one database for all tests",
            app: |probes| Box::pin(wrong::one_database(probes)),
        },
        Variant {
            name: "emptied-first",
            side: Side::Wrong,
            says: "opens one database for all tests, and each test empties it first",
            app: |probes| Box::pin(wrong::emptied_first(probes)),
        },
        Variant {
            name: "database-per-test",
            side: Side::Right,
            says: "opens a database for each test",
            app: |probes| Box::pin(right::database_per_test(probes)),
        },
    ],
    judge: judge_orders,
};

const BUILDS: &[Step] = &[
    Step { says: "The suite runs against the sound build.", request: |_| against("sound") },
    Step { says: "A build that leaves the quantity out of the price.", request: |_| against("wrong-total") },
    Step {
        says: "A build whose limit counts for each connection by itself.",
        request: |_| against("limit-per-connection"),
    },
    Step { says: "A build whose server hands on no address.", request: |_| against("no-peer-address") },
    Step { says: "A build in which a field has another name.", request: |_| against("renamed-field") },
    Step { says: "A build that writes passwords into its spans.", request: |_| against("password-in-span") },
];

const ORDERS: &[Step] = &[
    Step { says: "The four tests run in the order in which they are written.", request: |_| run("/written") },
    Step { says: "They run in each of their 24 orders.", request: |_| run("/every") },
    Step { says: "They run at the same time, as `cargo test` runs them.", request: |_| run("/at-once") },
];

fn against(build: &str) -> Request {
    run(&format!("/suite/{build}"))
}

fn run(path: &str) -> Request {
    Request::post(path, json!({}))
}

fn judge_builds(report: &Report) -> Vec<Finding> {
    let green = |step: usize| {
        report.exchanges().get(step).is_some_and(|exchange| exchange.body["green"] == Value::Bool(true))
    };
    let broken = Defect::ALL.len();
    let noticed = (1..=broken).filter(|step| report.exchanges().len() > *step && !green(*step)).count();
    vec![
        Finding::new(
            "the sound build",
            "suite",
            if green(0) { "green" } else { "red" },
            "green",
            green(0),
            "A suite that is red without a reason is a suite that is switched off.",
        ),
        Finding::new(
            "five broken builds",
            "noticed",
            noticed,
            broken,
            noticed == broken,
            "The suite is green while clients get something else. It asks on a road on which the defect does not lie.",
        ),
    ]
}

fn judge_orders(report: &Report) -> Vec<Finding> {
    let finding = |subject: &str, step: usize, meaning: &str| {
        let seen = report.exchanges().get(step).and_then(|exchange| exchange.body["red"].as_u64());
        let shown = seen.map_or_else(|| "no answer".to_owned(), |red| red.to_string());
        Finding::new(subject, "red runs", shown, 0, seen == Some(0), meaning)
    };
    let rows = "Nothing is wrong with the service. A test has found what another one left behind.";
    vec![
        finding("the order in which they are written", 0, rows),
        finding("24 orders", 1, rows),
        finding(
            "all at the same time",
            2,
            "Nothing is wrong with the service. Two tests were in one database at the same moment.",
        ),
    ]
}
