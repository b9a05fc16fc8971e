//! Lesson 03 · One client, warm connections.
//!
//! A connection has to be opened before a request can be sent, and it can carry many requests one after the other. An
//! HTTP client keeps open connections in a pool, so that only the first request pays. The pool belongs to the client:
//! whoever builds a client for each request builds, fills and throws away a pool each time. And only a connection whose
//! last answer was read to its end can be used again.
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
    experiments: &[TWENTY_QUOTES, UNREAD_ANSWERS],
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
    judge: |report| {
        judge(
            report,
            "a quote",
            "Connections are opened and thrown away: each answer was paid for with a handshake.",
        )
    },
};

/// Twenty requests in turn, for which the status of the upstream's answer is enough.
///
/// With hyper 1.12 an unread page of 8 kB costs nothing, since it came with the status; of 64 kB, the connection.
pub const UNREAD_ANSWERS: Experiment = Experiment {
    slug: "unread-answers",
    title: "Twenty answers that nobody reads",
    watch: "The client is shared. Does that save the connections? Try a page of 4 kB as well.",
    controls: &[Control::REQUESTS.default_of(20), PAGE_KB],
    plan: Plan::Count(Count {
        requests: |controls| vec![Request::get("/stock"); controls.requests()],
        at_once,
    }),
    upstream: Some(|probes| Box::pin(upstream(probes))),
    variants: &[
        Variant {
            name: "status-only",
            side: Side::Wrong,
            says: "looks at the status and drops the rest of the answer",
            app: |probes| Box::pin(wrong::status_only(probes)),
        },
        Variant {
            name: "read-to-the-end",
            side: Side::Right,
            says: "reads the answer to its end, though nobody needs it",
            app: |probes| Box::pin(right::read_to_the_end(probes)),
        },
        Variant {
            name: "head",
            side: Side::Right,
            says: "asks with HEAD, so that there is no rest",
            app: |probes| Box::pin(right::head(probes)),
        },
    ],
    judge: |report| {
        judge(report, "the stock", "An answer that is not read to its end takes its connection with it.")
    },
};

/// How many requests are on their way at the same time.
const AT_ONCE: Control = Control { name: "at_once", label: "at once", min: 1, max: 8, default: 1 };

/// How long the upstream's page is, in thousands of bytes.
const PAGE_KB: Control = Control { name: "page_kb", label: "page (kB)", min: 1, max: 500, default: 100 };

fn quotes(controls: &Controls) -> Vec<Request> {
    vec![Request::get("/quote"); controls.requests()]
}

fn at_once(controls: &Controls) -> usize {
    controls.get(AT_ONCE.name).and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
}

fn judge(report: &Report, asked_for: &str, meaning: &str) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let connections = report.counter("connections accepted");
    let at_once = report.controls.get(AT_ONCE.name).unwrap_or(1);
    // In turn, each request finds the connection of the one before. Beside each other they need several, and how many
    // depends on the moment: a request that finds none idle opens one, even if another comes free while it does. So
    // with few requests for each place, nothing can be told.
    let (expected, most) = match at_once {
        1 => ("1".to_owned(), 1),
        _ if sent > 2 * at_once => (format!("fewer than {sent}"), sent - 1),
        _ => (format!("at most {sent}"), sent),
    };
    vec![
        Finding::all_answered(
            format!("{sent} requests for {asked_for}"),
            "answered with 2xx",
            succeeded,
            sent,
        ),
        Finding::new(
            "the upstream behind them",
            "connections accepted",
            connections,
            expected,
            (1..=most).contains(&connections),
            meaning,
        ),
    ]
}
