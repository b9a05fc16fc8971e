//! Lesson 08 · Extractors as dependencies.
//!
//! An extractor is a type that knows how to get itself out of a request. A handler that takes one as an argument cannot run
//! without it, which makes it the natural place for "who is asking". Three things are easy to get wrong: each mention
//! of an extractor runs it again; they run from left to right, and a body can be read once, so it comes last; and a
//! handler that does not mention the user is open to everybody, unless a guard stands around all routes.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `directory.rs` serves both
//! sides; `broken/` holds what the compiler refuses.

mod directory;
pub mod right;
pub mod wrong;

use lab::{
    Control, Controls, Count, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Step, Transcript, Variant, shown_status,
};
use serde_json::json;

pub use directory::{ADA, Account, BEN, Directory, NewOrder, Refusal, Role, bearer};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 8,
    slug: "extractors",
    title: "Extractors as dependencies",
    question: Question::Q21,
    saying: "put authentication into a dependency",
    experiments: &[A_LATE_ROUTE, WHO_IS_IT, A_STRANGERS_BODY],
};

/// A service that gets one more route, and a stranger who tries all of them.
pub const A_LATE_ROUTE: Experiment = Experiment {
    slug: "a-late-route",
    title: "A route that was added later",
    watch: "A stranger tries every route. Which of them answers?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: ROUTES }),
    upstream: None,
    variants: &[
        Variant {
            name: "below-the-layer",
            side: Side::Wrong,
            says: "guards the routes by a layer and adds one below it",
            app: |probes| Box::pin(wrong::below_the_layer(probes)),
        },
        Variant {
            name: "user-not-mentioned",
            side: Side::Wrong,
            says: "guards each handler by its User argument, and one needs no user",
            app: |probes| Box::pin(wrong::user_not_mentioned(probes)),
        },
        Variant {
            name: "default-deny",
            side: Side::Right,
            says: "puts one guard around all routes that are not named as open",
            app: |probes| Box::pin(right::default_deny(probes)),
        },
    ],
    judge: judge_routes,
};

/// Requests to a handler that takes the user and the administrator.
pub const WHO_IS_IT: Experiment = Experiment {
    slug: "who-is-it",
    title: "Ten reports for an administrator",
    watch: "How often is the user looked up?",
    controls: &[Control::REQUESTS],
    plan: Plan::Count(Count { requests: reports, at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "each-looks-up",
            side: Side::Wrong,
            says: "builds the Admin extractor from the User extractor",
            app: |probes| Box::pin(wrong::each_looks_up(probes)),
        },
        Variant {
            name: "kept-with-the-request",
            side: Side::Right,
            says: "keeps the user with the request, where the next extractor finds it",
            app: |probes| Box::pin(right::kept_with_the_request(probes)),
        },
    ],
    judge: judge_lookups,
};

/// Orders with and without credentials, good and bad.
pub const A_STRANGERS_BODY: Experiment = Experiment {
    slug: "a-strangers-body",
    title: "A stranger sends a body",
    watch: "Who is told what is wrong with an order?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: BODIES }),
    upstream: None,
    variants: &[
        Variant {
            name: "checked-in-the-handler",
            side: Side::Wrong,
            says: "takes the body as an argument and asks who it is in the handler",
            app: |probes| Box::pin(wrong::checked_in_the_handler(probes)),
        },
        Variant {
            name: "user-first",
            side: Side::Right,
            says: "takes the user as the first argument and the body as the last",
            app: |probes| Box::pin(right::user_first(probes)),
        },
    ],
    judge: judge_bodies,
};

const ROUTES: &[Step] = &[
    Step { says: "Ada lists the orders.", request: |_| Request::get("/orders").bearer(ADA.token) },
    Step {
        says: "Ada exports them. This route is new.",
        request: |_| Request::get("/export").bearer(ADA.token),
    },
    Step { says: "The load balancer asks for the health.", request: |_| Request::get("/health") },
    Step { says: "A stranger lists the orders.", request: |_| Request::get("/orders") },
    Step { says: "A stranger exports them.", request: |_| Request::get("/export") },
    Step { says: "A stranger tries a path that does not exist.", request: |_| Request::get("/nothing") },
];

/// What each step of [`ROUTES`] should be answered with.
const ROUTES_ANSWERS: [u16; 6] = [200, 200, 200, 401, 401, 404];
/// The place of the stranger at the new route.
const STRANGER_EXPORTS: usize = 4;

const BODIES: &[Step] = &[
    Step {
        says: "Ada orders a lamp.",
        request: |_| Request::post("/orders", json!({ "item": "lamp" })).bearer(ADA.token),
    },
    Step {
        says: "A stranger orders a lamp.",
        request: |_| Request::post("/orders", json!({ "item": "lamp" })),
    },
    Step { says: "A stranger orders a number.", request: |_| Request::post("/orders", json!({ "item": 7 })) },
    Step {
        says: "Ada orders a number.",
        request: |_| Request::post("/orders", json!({ "item": 7 })).bearer(ADA.token),
    },
];

fn reports(controls: &Controls) -> Vec<Request> {
    vec![Request::get("/report").bearer(ADA.token); controls.requests()]
}

fn judge_routes(report: &Report) -> Vec<Finding> {
    let right = |step: &usize| report.status(*step) == Some(ROUTES_ANSWERS[*step]);
    let others = (0..ROUTES_ANSWERS.len()).filter(|step| *step != STRANGER_EXPORTS);
    let (count, answered) = (ROUTES_ANSWERS.len() - 1, others.filter(right).count());
    vec![
        Finding::new(
            "the five other requests",
            "answered as they should be",
            answered,
            count,
            answered == count,
            "The routes that were there before no longer answer as they did.",
        ),
        Finding::status(
            "a stranger at the new route",
            report.status(STRANGER_EXPORTS),
            ROUTES_ANSWERS[STRANGER_EXPORTS],
            "Nobody opened this route. It is open because nobody closed it, and no test asks for what is new.",
        ),
    ]
}

fn judge_lookups(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let lookups = report.counter(Directory::LOOKUPS);
    vec![
        Finding::all_answered(format!("{sent} reports"), "answered with 2xx", succeeded, sent),
        Finding::new(
            "the table of users behind them",
            "looked up",
            lookups,
            sent,
            lookups == sent,
            "Every argument that needs the user asks the database for it, in the same request.",
        ),
    ]
}

fn judge_bodies(report: &Report) -> Vec<Finding> {
    let statuses: Vec<_> = (0..BODIES.len()).map(|step| report.status(step)).collect();
    let honest = [statuses[0], statuses[3]];
    vec![
        Finding::new(
            "Ada's two orders",
            "statuses",
            honest.map(shown_status).join(", "),
            "201, 422",
            honest == [Some(201), Some(422)],
            "Ada may order, and may be told what is wrong with an order.",
        ),
        Finding::status("a stranger's good order", statuses[1], 401, "A stranger has ordered something."),
        Finding::status(
            "a stranger's bad order",
            statuses[2],
            401,
            "The body was read and parsed for somebody who is nobody, and its faults were explained to them.",
        ),
    ]
}
