//! Lesson 06 · State, not globals.
//!
//! What a handler needs can reach it by four roads. A `static` belongs to the process: two services in one process, or two
//! tests, get the same one. An environment variable belongs to the process as well. An `Extension` belongs to the request,
//! and whether somebody put it there is found out when the request comes. A `State` belongs to the router, and the
//! compiler asks for it before there is a router at all.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `ledger.rs` serves both
//! sides; `broken/` holds what the compiler refuses.

mod ledger;
pub mod right;
pub mod wrong;

use lab::{Experiment, Finding, Lesson, Plan, Question, Report, Request, Side, Step, Transcript, Variant};
use serde_json::json;

pub use ledger::{Currency, Invoice, Ledger, Order};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 6,
    slug: "state-not-globals",
    title: "State, not globals",
    question: Question::Q21,
    saying: "dependency injection needs no container",
    experiments: &[TWO_SHOPS, A_NEW_ROUTE],
};

/// Two shops in one process, each with its own currency and its own invoice numbers.
pub const TWO_SHOPS: Experiment = Experiment {
    slug: "two-shops",
    title: "Two shops in one process",
    watch: "Each shop numbers its invoices from 1, in its own currency. Does it? Run it twice.",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: TWO_SHOPS_STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "static",
            side: Side::Wrong,
            says: "keeps the shop in a static that is set once at the start",
            app: |probes| Box::pin(wrong::in_a_static(probes)),
        },
        Variant {
            name: "env-in-handler",
            side: Side::Wrong,
            says: "reads the currency from the environment in the handler",
            app: |probes| Box::pin(wrong::env_in_handler(probes)),
        },
        STATE,
    ],
    judge: judge_shops,
};

/// A service that gets one more route, half a year later.
pub const A_NEW_ROUTE: Experiment = Experiment {
    slug: "a-new-route",
    title: "A route that was added later",
    watch: "The same handlers, the same ledger. Which of the routes is answered?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: NEW_ROUTE_STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "extension",
            side: Side::Wrong,
            says: "hands the ledger in by an Extension layer",
            app: |probes| Box::pin(wrong::extension(probes)),
        },
        Variant {
            name: "state",
            side: Side::Right,
            says: "hands the ledger in as the state of the router",
            app: |probes| Box::pin(right::new_route(probes)),
        },
    ],
    judge: judge_routes,
};

const STATE: Variant = Variant {
    name: "state",
    side: Side::Right,
    says: "hands each shop its own state",
    app: |probes| Box::pin(right::two_shops(probes)),
};

const TWO_SHOPS_STEPS: &[Step] = &[
    Step { says: "Berlin sells a lamp.", request: |_| sell("/berlin/invoices") },
    Step { says: "Oslo sells a lamp.", request: |_| sell("/oslo/invoices") },
    Step { says: "Berlin sells another one.", request: |_| sell("/berlin/invoices") },
];

/// The places of the steps in the transcript.
const BERLIN: usize = 0;
const OSLO: usize = 1;
const BERLIN_AGAIN: usize = 2;

const NEW_ROUTE_STEPS: &[Step] = &[
    Step { says: "A lamp is sold.", request: |_| sell("/invoices") },
    Step { says: "Somebody asks how many invoices there are.", request: |_| Request::get("/invoices") },
    Step { says: "The lamp comes back. This route is new.", request: |_| sell("/refunds") },
];

fn sell(path: &str) -> Request {
    Request::post(path, json!({ "item": "lamp", "cents": 4900 }))
}

fn judge_shops(report: &Report) -> Vec<Finding> {
    let field = |step: usize, field: &str| {
        let value = report.exchanges().get(step).map(|exchange| exchange.body[field].clone());
        value.unwrap_or_default().to_string().trim_matches('"').to_owned()
    };
    let finding = |subject: &str, step, name: &str, expected: &str, meaning: &str| {
        let seen = field(step, name);
        let holds = seen == expected;
        Finding::new(subject, name, seen, expected, holds, meaning)
    };
    let numbers =
        "The numbers belong to the process: both shops, and every run before this one, draw from them.";
    vec![
        finding("Berlin's first invoice", BERLIN, "number", "1", numbers),
        finding("Oslo's first invoice", OSLO, "number", "1", numbers),
        finding("Berlin's second invoice", BERLIN_AGAIN, "number", "2", numbers),
        finding(
            "Oslo's first invoice",
            OSLO,
            "currency",
            Currency::NOK.0,
            "Oslo was told its currency, and something that belongs to the process overruled it.",
        ),
    ]
}

fn judge_routes(report: &Report) -> Vec<Finding> {
    let exchanges = report.exchanges();
    let answered =
        exchanges.iter().filter(|exchange| exchange.status == Some(201) || exchange.status == Some(200));
    let answered = answered.count();
    let new = exchanges.last().and_then(|exchange| exchange.status);
    vec![
        Finding::new(
            "all routes",
            "answered",
            format!("{answered} of {}", NEW_ROUTE_STEPS.len()),
            format!("{0} of {0}", NEW_ROUTE_STEPS.len()),
            answered == NEW_ROUTE_STEPS.len(),
            "A layer covers the routes above it. The route below has no ledger, and only a request finds out.",
        ),
        Finding::status(
            "the new route",
            new,
            201,
            "It compiles, it starts, and each request to this route fails with the name of a type.",
        ),
    ]
}
