//! Lesson 03 · One client, warm connections.
//!
//! A connection has to be opened before a request can be sent, and it can carry many requests one after the other. An
//! HTTP client keeps open connections in a pool, so that only the first request pays. The pool belongs to the client:
//! whoever builds a client for each request builds, fills and throws away a pool each time.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`.

pub mod right;
mod upstream;
pub mod wrong;

use lab::{
    Control, Controls, Count, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Variant,
};

pub use upstream::{PRICE, upstream};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 3,
    slug: "one-client",
    title: "One client, warm connections",
    question: Question::Q20,
    saying: "reuse your HTTP client",
    experiments: &[TWENTY_QUOTES],
};

/// Twenty requests in turn, each of which asks another service for a price.
pub const TWENTY_QUOTES: Experiment = Experiment {
    slug: "twenty-quotes",
    title: "Twenty quotes, one upstream",
    watch: "How many connections does the upstream have to accept?",
    controls: &[Control::REQUESTS.default_of(20), AT_ONCE],
    plan: Plan::Count(Count { requests: quotes, at_once }),
    upstream: Some(|probes| Box::pin(upstream(probes))),
    variants: &[
        Variant {
            name: "client-per-request",
            side: Side::Wrong,
            says: "builds a client in the handler",
            app: |probes| Box::pin(wrong::client_per_request(probes)),
        },
        Variant {
            name: "shared-client",
            side: Side::Right,
            says: "clones the one client in the state",
            app: |probes| Box::pin(right::shared_client(probes)),
        },
    ],
    judge,
};

/// How many requests are on their way at the same time.
const AT_ONCE: Control = Control { name: "at_once", label: "at once", min: 1, max: 8, default: 1 };

fn quotes(controls: &Controls) -> Vec<Request> {
    vec![Request::get("/quote"); controls.requests()]
}

fn at_once(controls: &Controls) -> usize {
    controls.get(AT_ONCE.name).and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
}

fn judge(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let connections = report.counter("connections accepted");
    // In turn, each request finds the connection of the one before. Beside each other they need several, and how many
    // depends on the moment: a request that finds none idle opens one, even if another comes free while it does.
    let in_turn = report.controls.get(AT_ONCE.name) == Some(1);
    let (expected, reused) = if in_turn {
        ("1".to_owned(), connections == 1)
    } else {
        (format!("fewer than {sent}"), (1..sent).contains(&connections))
    };
    vec![
        Finding::new(
            format!("{sent} requests for a quote"),
            "answered with 2xx",
            succeeded,
            sent,
            succeeded == sent,
            "The answers themselves are not right yet.",
        ),
        Finding::new(
            "the upstream behind them",
            "connections accepted",
            connections,
            expected,
            reused,
            "Connections are opened and thrown away. An answer was paid for with a handshake each time.",
        ),
    ]
}
