//! Lesson 01 · Await together, not in turn.
//!
//! A future does nothing before it is polled, and `a.await` polls `a` until it is ready. So two awaits in a row wait in
//! turn, however async the function is. To wait together, somebody has to poll several futures: `join!` in one task, or
//! the scheduler after `spawn`. Then a question comes up that the sequence never had: what becomes of the other calls when
//! one of them fails?
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`.

pub mod right;
mod services;
pub mod wrong;

use axum::Router;
use lab::{
    AppFuture, Control, Experiment, Finding, Lesson, Observed, Plan, Probes, Question, Request, Side, Step,
    Timeline, Transcript, Variant,
};

pub use services::{Dashboard, Down, Mood, Services};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 1,
    slug: "await-together",
    title: "Await together, not in turn",
    question: Question::Q20,
    saying: "async makes it concurrent",
    experiments: &[ONE_DASHBOARD, CUSTOMER_DOWN, OFFERS_DOWN],
};

/// One request that needs three answers which do not need each other.
pub const ONE_DASHBOARD: Experiment = Experiment {
    slug: "one-dashboard",
    title: "One dashboard, three services",
    watch: "Four ways to ask the same three services. Which bars are as long as one call?",
    controls: &[Control::HOLD_MS],
    plan: Plan::Timeline(Timeline { requests: |_| vec![Request::get("/dashboard")] }),
    upstream: None,
    variants: &[
        Variant {
            name: "in-turn",
            side: Side::Wrong,
            says: "awaits one service after the other",
            app: |probes| all_well(probes, wrong::in_turn),
        },
        Variant {
            name: "futures-first",
            side: Side::Wrong,
            says: "makes all three futures first, then awaits them",
            app: |probes| all_well(probes, wrong::futures_first),
        },
        Variant {
            name: "try-join",
            side: Side::Right,
            says: "polls the three futures together in one task",
            app: |probes| all_well(probes, right::try_join),
        },
        Variant {
            name: "abort-on-drop",
            side: Side::Right,
            says: "spawns three tasks that end with their handles",
            app: |probes| all_well(probes, right::abort_on_drop),
        },
    ],
    judge: |report| {
        let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
        let status = lanes.first().and_then(|lane| lane.status);
        let at_once = report.gauge(services::AT_ONCE);
        vec![
            Finding::new(
                "one dashboard",
                "status",
                status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
                200,
                status == Some(200),
                "The answer itself is not right yet.",
            ),
            Finding::new(
                "its three calls",
                "most under way at once",
                at_once,
                3,
                at_once == 3,
                "A call begins when the one before has ended. Somebody has to poll all three before any of them is ready.",
            ),
        ]
    },
};

/// Three dashboards while one service refuses and the others hang.
pub const CUSTOMER_DOWN: Experiment = Experiment {
    slug: "customer-down",
    title: "One service refuses, two hang",
    watch: "All variants refuse the page at once. What is still running afterwards?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "a dashboard", request: |_| Request::get("/dashboard") },
            Step { says: "another one", request: |_| Request::get("/dashboard") },
            Step { says: "and another one", request: |_| Request::get("/dashboard") },
            Step { says: "the operators ask for the calls under way", request: |_| Request::get("/calls") },
        ],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "spawned",
            side: Side::Wrong,
            says: "spawns three tasks and leaves at the first error",
            app: |probes| customer_down(probes, wrong::spawned),
        },
        Variant {
            name: "try-join",
            side: Side::Right,
            says: "polls the three futures together in one task",
            app: |probes| customer_down(probes, right::try_join),
        },
        Variant {
            name: "abort-on-drop",
            side: Side::Right,
            says: "spawns three tasks that end with their handles",
            app: |probes| customer_down(probes, right::abort_on_drop),
        },
    ],
    judge: |report| {
        let [pages @ .., desk] = report.exchanges() else { return Vec::new() };
        let refused = pages.iter().filter(|page| page.status == Some(502)).count();
        vec![
            Finding::new(
                "three dashboards",
                "refused with 502",
                refused,
                3,
                refused == 3,
                "Without a customer there is no dashboard, and nobody should wait for the rest.",
            ),
            Finding::new(
                "calls after the last answer",
                "still under way",
                &desk.body,
                0,
                desk.body == 0,
                "Nobody waits for these calls, and they go on: each refused page leaves tasks and connections behind.",
            ),
        ]
    },
};

/// Three dashboards while the least important service refuses.
pub const OFFERS_DOWN: Experiment = Experiment {
    slug: "offers-down",
    title: "The advertisement is down",
    watch: "What does a customer see who only wanted to know about the orders?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[Step { says: "a dashboard", request: |_| Request::get("/dashboard") }],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "all-or-nothing",
            side: Side::Wrong,
            says: "takes the first error for the error of the page",
            app: |probes| offers_down(probes, wrong::all_or_nothing),
        },
        Variant {
            name: "partial",
            side: Side::Right,
            says: "shows what there is, and says what is missing",
            app: |probes| offers_down(probes, right::partial),
        },
    ],
    judge: |report| {
        let [page] = report.exchanges() else { return Vec::new() };
        let seen =
            page.status.map_or_else(|| page.body.to_string(), |status| format!("{status} {}", page.body));
        let expected = serde_json::json!({ "customer": "Ada", "orders": 3, "offers": null });
        vec![Finding::new(
            "a dashboard",
            "answer",
            seen,
            format!("200 {expected}"),
            page.status == Some(200) && page.body == expected,
            "One service that the page can do without takes the whole page along. Its uptime is now the product of all three.",
        )]
    },
};

fn all_well(probes: Probes, build: fn(Services) -> Router) -> AppFuture {
    Box::pin(async move { build(Services::new(&probes)) })
}

fn customer_down(probes: Probes, build: fn(Services) -> Router) -> AppFuture {
    let services = Services::with(&probes, Mood::Refuses, Mood::Hangs, Mood::Hangs);
    Box::pin(async move { build(services.clone()).merge(services.desk()) })
}

fn offers_down(probes: Probes, build: fn(Services) -> Router) -> AppFuture {
    let services = Services::with(&probes, Mood::Answers, Mood::Answers, Mood::Refuses);
    Box::pin(async move { build(services) })
}
