//! Lesson 18 · Never block the runtime.
//!
//! A tokio worker thread runs one task at a time and changes to another only where the task awaits something that is not
//! ready. A call that waits in the kernel, or a loop that computes for long, contains no such point: the thread is held,
//! and every request that it should serve stands still.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`.

pub mod right;
mod warehouse;
pub mod wrong;

use lab::{
    Control, Controls, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Timeline, Variant,
};

pub use warehouse::{Summary, Warehouse};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 18,
    slug: "blocking-the-runtime",
    title: "Blocking the runtime",
    question: Question::Q24,
    saying: "never block the event loop",
    experiments: &[TEN_REPORTS, LONG_LOOP],
};

/// Ten requests that wait for a database, sent at once.
pub const TEN_REPORTS: Experiment = Experiment {
    slug: "ten-reports",
    title: "Ten reports at once",
    watch: "Do the lanes overlap, and does the heartbeat go on while they run?",
    controls: &[Control::WORKERS, Control::REQUESTS, Control::HOLD_MS],
    plan: Plan::Timeline(Timeline { requests: reports }),
    upstream: None,
    variants: &[
        Variant {
            name: "sync-driver",
            side: Side::Wrong,
            says: "calls the synchronous driver inside an async handler",
            app: |probes| Box::pin(wrong::sync_driver(probes)),
        },
        Variant {
            name: "spawn-blocking",
            side: Side::Right,
            says: "moves the synchronous call to the blocking pool",
            app: |probes| Box::pin(right::spawn_blocking(probes)),
        },
        Variant {
            name: "async-driver",
            side: Side::Right,
            says: "awaits an async driver",
            app: |probes| Box::pin(right::async_driver(probes)),
        },
    ],
    judge: |report| judge(report, "Something in the handler keeps its thread while it waits."),
};

/// Ten requests that compute, sent at once. Nothing in them waits.
pub const LONG_LOOP: Experiment = Experiment {
    slug: "long-loop",
    title: "A long loop",
    watch: "The work takes as long either way. What happens to the heartbeat meanwhile?",
    controls: &[Control::WORKERS, Control::REQUESTS, Control::HOLD_MS.default_of(25)],
    plan: Plan::Timeline(Timeline { requests: reports }),
    upstream: None,
    variants: &[
        Variant {
            name: "no-await",
            side: Side::Wrong,
            says: "adds up the rows in one loop",
            app: |probes| Box::pin(wrong::no_await(probes)),
        },
        Variant {
            name: "yield-now",
            side: Side::Right,
            says: "lets go of the thread every 100 rows",
            app: |probes| Box::pin(right::yield_now(probes)),
        },
    ],
    judge: |report| judge(report, "The loop never lets go of its thread, so nobody else runs on it."),
};

fn reports(controls: &Controls) -> Vec<Request> {
    vec![Request::get("/report"); controls.requests()]
}

fn judge(report: &Report, meaning: &str) -> Vec<Finding> {
    let Observed::Timeline { lanes, heartbeats, most_in_flight, beats_meanwhile } = &report.observed else {
        return Vec::new();
    };
    let sent = lanes.len();
    let ok = lanes.iter().filter(|lane| lane.status == Some(200)).count();
    let slowest_us = heartbeats.iter().filter_map(|beat| Some(beat.answered_us? - beat.sent_us)).max();
    let waited = slowest_us.map_or_else(String::new, |us| format!(", the slowest after {} ms", us / 1000));
    vec![
        Finding::all_answered(format!("{sent} requests, sent together"), "answered with 200", ok, sent),
        Finding::new(
            "all of them",
            "most in flight at once",
            most_in_flight,
            sent,
            usize::try_from(*most_in_flight) == Ok(sent),
            meaning,
        ),
        Finding::new(
            "a heartbeat beside them",
            "answered meanwhile",
            format!("{beats_meanwhile}{waited}"),
            "at least 1",
            *beats_meanwhile > 0,
            meaning,
        ),
    ]
}
