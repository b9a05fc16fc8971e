//! Lesson 15 · Layers that point inward.
//!
//! What a shop sells, and for how much, does not depend on HTTP or SQL. Where the code says otherwise, the rule can be
//! reached only through a socket and a database: the next door that needs it gets a copy, and the copy grows old. A
//! layer is a direction: the outside may know the inside, never the other way round. A crate makes the compiler watch over it.
//!
//! Read `wrong.rs` first (it passes a functional test), then `domain/src/lib.rs`, a crate without a dependency, then
//! `right.rs` and `tests/proof.rs`. `door.rs` (what is said over HTTP), `file.rs` (the lines of the nightly import),
//! `database.rs` (one that counts) and `examples.rs` (the rule as a table) serve both sides.

mod database;
mod door;
mod examples;
mod file;
pub mod right;
pub mod wrong;

use lab::{
    Control, Count, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side, Step,
    Transcript, Variant,
};
use serde_json::{Value, json};

pub use database::{DATABASES, Database, STATEMENTS};
pub use door::{LineBody, OrderBody, Placed};
pub use examples::{EXAMPLES, Example, REQUESTS, expected};
pub use file::read;

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 15,
    slug: "layers-that-point-inward",
    title: "Layers that point inward",
    question: Question::Q23,
    saying: "separate your layers into folders",
    experiments: &[TWO_DOORS, FORTY_EXAMPLES],
};

/// The same six orders, over HTTP and in the file of a partner.
pub const TWO_DOORS: Experiment = Experiment {
    slug: "two-doors",
    title: "Six orders through two doors",
    watch: "Do the web shop and the nightly import ask the same price?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: DOORS }),
    upstream: None,
    variants: &[
        Variant {
            name: "rule-in-the-handler",
            side: Side::Wrong,
            says: "prices the order in the handler, and in the import as it was in spring",
            app: |probes| Box::pin(wrong::rule_in_the_handler(probes)),
        },
        Variant {
            name: "handler-behind-the-import",
            side: Side::Wrong,
            says: "lets the import call what the handler calls, which answers in HTTP",
            app: |probes| Box::pin(wrong::handler_behind_the_import(probes)),
        },
        Variant {
            name: "rule-in-the-domain",
            side: Side::Right,
            says: "lets both doors ask the domain, and each translates for its own client",
            app: |probes| Box::pin(right::rule_in_the_domain(probes)),
        },
    ],
    judge: judge_doors,
};

/// The rule of the shop as a table, each row tested in the smallest way that the design allows.
pub const FORTY_EXAMPLES: Experiment = Experiment {
    slug: "forty-examples",
    title: "Forty examples of one rule",
    watch: "What has to be there before one multiplication can be tested?",
    controls: &[Control::REQUESTS.default_of(40)],
    plan: Plan::Count(Count { requests: examples::requests, at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "rule-in-the-handler",
            side: Side::Wrong,
            says: "can be tested through the router, with a database behind it",
            app: |probes| Box::pin(examples::tested(probes, wrong::try_through_the_router)),
        },
        Variant {
            name: "handler-behind-the-import",
            side: Side::Wrong,
            says: "can be tested without the router, but not without a database",
            app: |probes| Box::pin(examples::tested(probes, wrong::try_through_the_service)),
        },
        Variant {
            name: "rule-in-the-domain",
            side: Side::Right,
            says: "can be tested by calling it",
            app: |probes| Box::pin(examples::tested(probes, right::try_it)),
        },
    ],
    judge: judge_examples,
};

const DOORS: &[Step] = &[
    Step { says: "The web shop orders 10 pieces of 10.00.", request: |_| order(false, 1000, 10) },
    Step { says: "A member orders 2 pieces of 10.00.", request: |_| order(true, 1000, 2) },
    Step { says: "A member orders 12 pieces of 9.99.", request: |_| order(true, 999, 12) },
    Step { says: "Somebody orders 101 pieces of 1.00.", request: |_| order(false, 100, 101) },
    Step { says: "Somebody orders 11 pieces of 1000.00.", request: |_| order(false, 100_000, 11) },
    Step { says: "Somebody orders 100 pieces of 200.00.", request: |_| order(false, 20_000, 100) },
    Step {
        says: "At night a partner's file comes in, with the same six orders.",
        request: |_| Request::post("/import", json!({ "file": FILE })),
    },
];

/// The orders of [`DOORS`] as a partner writes them.
const FILE: &str =
    "guest 10x1000\nmember 2x1000\nmember 12x999\nguest 101x100\nguest 11x100000\nguest 100x20000";

fn order(member: bool, cents: u64, pieces: u64) -> Request {
    Request::post("/orders", json!({ "member": member, "lines": [{ "cents": cents, "pieces": pieces }] }))
}

/// What the web shop said to the orders of `TWO_DOORS`, and what the import said to the same ones.
pub fn said(report: &Report) -> Option<(Vec<String>, Vec<String>)> {
    let (import, shop) = report.exchanges().split_last()?;
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shop = shop.iter().map(|exchange| {
        let total = &exchange.body["total_cents"];
        word(if total.is_null() { &exchange.body["refused"] } else { total })
    });
    Some((shop.collect(), import.body.as_array()?.iter().map(word).collect()))
}

fn judge_doors(report: &Report) -> Vec<Finding> {
    let Some((shop, import)) = said(report) else {
        return vec![Finding::new(
            "both doors",
            "answer",
            "no",
            "yes",
            false,
            "The service does not work yet.",
        )];
    };
    let right = ["9000", "1900", "10251", "pieces", "990000", "too much"];
    let (doors, orders) = (shop.iter().zip(&import), right.len());
    let shop_right = shop.iter().zip(right).filter(|(said, right)| said.as_str() == *right).count();
    let alike = doors.filter(|(shop, import)| shop == import).count();
    vec![
        Finding::new(
            "six orders in the web shop",
            "answered by the rule",
            shop_right,
            orders,
            shop_right == orders,
            "The rule itself is not right yet.",
        ),
        Finding::new(
            "the same six in the file",
            "answered alike",
            alike,
            orders,
            alike == orders,
            "The rule stands in the language of one door, so the other door has a copy of it, or a translation of its answers.",
        ),
    ]
}

fn judge_examples(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let nothing = |subject: &str, measure: &str, counter: &str, meaning: &str| {
        let seen = report.counter(counter);
        Finding::new(subject, measure, seen, 0, seen == 0, meaning)
    };
    vec![
        Finding::all_answered(format!("{sent} examples"), "hold", succeeded, sent),
        nothing(
            "a router in front of the rule",
            "requests",
            REQUESTS,
            "The rule takes a request, so its test has to write one, and to read the answer.",
        ),
        nothing(
            "a database behind it",
            "databases opened",
            DATABASES,
            "Each test needs one of its own, with a schema, and it fails when that fails.",
        ),
        nothing(
            "and in it",
            "statements",
            STATEMENTS,
            "A multiplication does not need them; the code around it does.",
        ),
    ]
}
