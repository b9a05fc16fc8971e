//! Lesson 24 · Settings and boot.
//!
//! A setting that is read where it is needed is wrong where it is needed: at night, in one request of a thousand. Read once
//! at the start into a typed value, it is wrong at the start, when the version before still serves. A start that
//! refuses tells all faults at once, and no secret. After it, two questions are asked again and again: does the process
//! live, and can it serve? They have two answers.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `variables.rs` (the environment
//! as a value that counts), `rollout.rs` (a new version beside the old one) and `database.rs` (one that can be unplugged)
//! serve both sides.

pub mod database;
pub mod right;
pub mod rollout;
mod variables;
pub mod wrong;

use lab::{
    Control, Controls, Count, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Step, Transcript, Variant,
};
use serde_json::{Value, json};

pub use rollout::{admin_token, is_admin_token};
pub use variables::Variables;

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 24,
    slug: "settings-and-boot",
    title: "Settings and boot",
    question: Question::Q25,
    saying: "keep configuration in the environment",
    experiments: &[A_BAD_ROLLOUT, AN_OUTAGE, TWENTY_ORDERS],
};

/// A new version is started with three faulty settings, beside the old one that serves.
pub const A_BAD_ROLLOUT: Experiment = Experiment {
    slug: "a-bad-rollout",
    title: "A new version with three faulty settings",
    watch: "Does the new version start, and what do its customers get?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: ROLLOUT }),
    upstream: None,
    variants: &[
        Variant {
            name: "read-where-needed",
            side: Side::Wrong,
            says: "reads each variable in the handler that needs it, with a default",
            app: |probes| Box::pin(rollout::roll_out(probes, wrong::read_where_needed)),
        },
        Variant {
            name: "first-fault",
            side: Side::Wrong,
            says: "reads all variables at the start and stops at the first fault",
            app: |probes| Box::pin(rollout::roll_out(probes, wrong::first_fault)),
        },
        Variant {
            name: "all-faults",
            side: Side::Right,
            says: "reads all variables at the start and tells every fault",
            app: |probes| Box::pin(rollout::roll_out(probes, right::all_faults)),
        },
    ],
    judge: judge_rollout,
};

/// The database goes away and comes back, and the platform asks for the health.
pub const AN_OUTAGE: Experiment = Experiment {
    slug: "an-outage",
    title: "The database goes away",
    watch: "What does the platform do with this replica: restart it, take it out, or leave it?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: OUTAGE }),
    upstream: None,
    variants: &[
        Variant {
            name: "static-health",
            side: Side::Wrong,
            says: "answers that it is healthy",
            app: |probes| Box::pin(wrong::static_health(probes)),
        },
        Variant {
            name: "liveness-asks",
            side: Side::Wrong,
            says: "asks the database for both probes",
            app: |probes| Box::pin(wrong::liveness_asks(probes)),
        },
        Variant {
            name: "two-probes",
            side: Side::Right,
            says: "asks the database and its schema for readiness, and nobody for liveness",
            app: |probes| Box::pin(right::two_probes(probes)),
        },
    ],
    judge: judge_outage,
};

/// Orders in turn, with good settings.
pub const TWENTY_ORDERS: Experiment = Experiment {
    slug: "twenty-orders",
    title: "Twenty orders",
    watch: "How often is a variable read after the start?",
    controls: &[Control::REQUESTS.default_of(20)],
    plan: Plan::Count(Count { requests: orders, at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "read-where-needed",
            side: Side::Wrong,
            says: "reads each variable in the handler that needs it, with a default",
            app: |probes| Box::pin(rollout::run(probes, wrong::read_where_needed)),
        },
        Variant {
            name: "all-faults",
            side: Side::Right,
            says: "reads all variables at the start and tells every fault",
            app: |probes| Box::pin(rollout::run(probes, right::all_faults)),
        },
    ],
    judge: judge_reads,
};

const ROLLOUT: &[Step] = &[
    Step { says: "The operator looks at the rollout.", request: |_| Request::get("/rollout") },
    Step { says: "A customer orders for 100.00.", request: |_| order() },
    Step {
        says: "Mallory signs with the key that stands in the source code.",
        request: |_| Request::get("/admin").bearer(admin_token("change-me")),
    },
];

const OUTAGE: &[Step] = &[
    Step {
        says: "The platform asks whether it may send traffic.",
        request: |_| Request::get("/health/ready"),
    },
    Step { says: "The database goes away.", request: |_| Request::post("/lab/unplug", json!({})) },
    Step { says: "A customer asks for the items.", request: |_| Request::get("/items") },
    Step {
        says: "The platform asks whether it may send traffic.",
        request: |_| Request::get("/health/ready"),
    },
    Step { says: "The platform asks whether the process lives.", request: |_| Request::get("/health/live") },
    Step { says: "The database comes back.", request: |_| Request::post("/lab/plug-in", json!({})) },
    Step {
        says: "The platform asks whether it may send traffic.",
        request: |_| Request::get("/health/ready"),
    },
    Step {
        says: "The database is restored from a backup, one migration older.",
        request: |_| Request::post("/lab/restore", json!({})),
    },
    Step {
        says: "The platform asks whether it may send traffic.",
        request: |_| Request::get("/health/ready"),
    },
];

// The places of the steps in the transcripts.
const ROLLED_OUT: usize = 0;
const ORDERED: usize = 1;
const FORGED: usize = 2;
const READY: usize = 0;
const READY_WITHOUT: usize = 3;
const LIVE_WITHOUT: usize = 4;
const READY_AGAIN: usize = 6;
const READY_WITH_OLD_SCHEMA: usize = 8;

fn order() -> Request {
    Request::post("/orders", json!({ "cents": 10_000 }))
}

fn orders(controls: &Controls) -> Vec<Request> {
    vec![order(); controls.requests()]
}

fn judge_rollout(report: &Report) -> Vec<Finding> {
    let body =
        |step: usize| report.exchanges().get(step).map_or(Value::Null, |exchange| exchange.body.clone());
    let rollout = body(ROLLED_OUT);
    let serving = rollout["serving"].as_str().unwrap_or("nothing");
    let said = rollout["faults"].to_string();
    let told = rollout::FAULTY.iter().filter(|name| said.contains(**name)).count();
    let vat = body(ORDERED)["vat"].to_string();
    let leaked = rollout["log"].to_string().contains(rollout::SIGNING_KEY);
    let faults = rollout::FAULTY.len();
    vec![
        Finding::new(
            "who serves after the rollout",
            "version",
            serving,
            "old",
            serving == "old",
            "The new version cannot work with its settings, and it has replaced one that could.",
        ),
        Finding::new(
            "its three faults",
            "told at the start",
            told,
            faults,
            told == faults,
            "A fault that is not told at the start is found by the next start, or by a customer.",
        ),
        Finding::new(
            "an order for 100.00",
            "VAT in cents",
            vat.as_str(),
            "1900",
            vat == "1900",
            "\"19%\" is not a number, the default was 0, and each invoice since the rollout is wrong.",
        ),
        Finding::status(
            "a signature with the default key",
            report.status(FORGED),
            401,
            "The key was missing, so the one from the source code was taken: whoever reads it is administrator.",
        ),
        Finding::new(
            "the log of the start",
            "signing key in it",
            if leaked { "yes" } else { "no" },
            "no",
            !leaked,
            "Debug prints every field, and logs are read by more people than keys.",
        ),
    ]
}

fn judge_outage(report: &Report) -> Vec<Finding> {
    let finding = |subject: &str, step: usize, expected: u16, meaning: &str| {
        Finding::status(subject, report.status(step), expected, meaning)
    };
    let traffic = "The platform goes on sending customers to a replica that cannot serve them.";
    vec![
        finding("ready, all is well", READY, 200, "It cannot serve, and nothing is wrong."),
        finding("ready, no database", READY_WITHOUT, 503, traffic),
        finding(
            "live, no database",
            LIVE_WITHOUT,
            200,
            "The platform restarts every replica, again and again, and none of that brings the database back.",
        ),
        finding("ready, database back", READY_AGAIN, 200, "It could serve again, and nobody is sent to it."),
        finding("ready, schema too old", READY_WITH_OLD_SCHEMA, 503, traffic),
    ]
}

fn judge_reads(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let read = report.counter(Variables::READ_AFTER_BOOT);
    vec![
        Finding::all_answered(format!("{sent} orders"), "answered with 2xx", succeeded, sent),
        Finding::new(
            "the environment meanwhile",
            "variables read",
            read,
            0,
            read == 0,
            "What is read in a request is checked in a request.",
        ),
    ]
}
