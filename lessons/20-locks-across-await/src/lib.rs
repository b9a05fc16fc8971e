//! Lesson 20 · No lock is held across an await.
//!
//! A guard that lives across an `.await` is held for as long as the awaited thing takes, by a task that does nothing
//! meanwhile. The compiler refuses it for the mutex of std where tasks move between threads, and tokio's mutex makes it
//! compile. It does not make it overlap: all requests that need the lock stand in a queue of one.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. What the compiler refuses
//! is in `broken/`.

mod exchange;
pub mod right;
pub mod wrong;

use lab::{
    Control, Controls, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Timeline, Variant,
};

pub use exchange::{AT_THE_EXCHANGE, CALLS, CURRENCIES, Exchange, ExchangeError};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 20,
    slug: "locks-across-await",
    title: "Locks across await",
    question: Question::Q24,
    saying: "use tokio's mutex in async code",
    experiments: &[TEN_RATES],
};

/// Ten requests for ten different currencies, none of which is in the table yet.
pub const TEN_RATES: Experiment = Experiment {
    slug: "ten-rates",
    title: "Ten currencies at once",
    watch: "The heartbeat goes on, so the thread is free. When does each lane end?",
    controls: &[Control::WORKERS, REQUESTS, Control::HOLD_MS],
    plan: Plan::Timeline(Timeline { requests: rates }),
    upstream: None,
    variants: &[
        Variant {
            name: "tokio-mutex",
            side: Side::Wrong,
            says: "holds the table's async mutex while it asks the exchange",
            app: |probes| Box::pin(wrong::tokio_mutex(probes)),
        },
        Variant {
            name: "write-lock",
            side: Side::Wrong,
            says: "holds the table's write lock while it asks the exchange",
            app: |probes| Box::pin(wrong::write_lock(probes)),
        },
        Variant {
            name: "copy-out",
            side: Side::Right,
            says: "locks to look, lets go, asks, and locks to keep",
            app: |probes| Box::pin(right::copy_out(probes)),
        },
        Variant {
            name: "lock-per-currency",
            side: Side::Right,
            says: "lets only those wait who ask for the same currency",
            app: |probes| Box::pin(right::lock_per_currency(probes)),
        },
        Variant {
            name: "actor",
            side: Side::Right,
            says: "gives the table to a task, and asks the exchange outside of it",
            app: |probes| Box::pin(right::actor(probes)),
        },
    ],
    judge,
};

/// As many as there are currencies.
const REQUESTS: Control = Control { max: CURRENCIES.len() as u64, ..Control::REQUESTS };

fn rates(controls: &Controls) -> Vec<Request> {
    CURRENCIES.iter().take(controls.requests()).map(|c| Request::get(format!("/rates/{c}"))).collect()
}

fn judge(report: &Report) -> Vec<Finding> {
    let Observed::Timeline { lanes, beats_meanwhile, .. } = &report.observed else { return Vec::new() };
    let sent = lanes.len();
    let ok = lanes.iter().filter(|lane| lane.status == Some(200)).count();
    let most = report.gauge(AT_THE_EXCHANGE);
    vec![
        Finding::all_answered(format!("{sent} requests, sent together"), "answered with 200", ok, sent),
        Finding::new(
            "all of them",
            "most at the exchange at once",
            most,
            sent,
            usize::try_from(most) == Ok(sent),
            "A lock is held while its task waits for the exchange. Everybody else waits for the lock.",
        ),
        Finding::new(
            "a heartbeat beside them",
            "answered meanwhile",
            beats_meanwhile,
            "at least 1",
            *beats_meanwhile > 0,
            "The thread itself is held: that is the fault of lesson 18.",
        ),
    ]
}
