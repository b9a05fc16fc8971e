//! Lesson 21 · Timeouts and cancellation.
//!
//! In async Rust everybody who holds a future may drop it: a timeout, a `select!`, a client that hangs up. The future ends
//! at the await where it stands. No error is raised and no line below runs, only destructors. So a request needs a
//! deadline, and every await in it is a place where it may end: what has been done by then must be whole.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`.

mod auditor;
mod bank;
mod disk;
mod experiments;
mod feed;
mod prices;
pub mod right;
pub mod wrong;

use std::time::Duration;

use lab::{Control, Lesson, Question};

pub use auditor::{Auditor, Mood, Office};
pub use bank::{Account, Balances, Bank, Failed, Transaction, Transfer};
pub use disk::{Disk, Job};
pub use experiments::{A_FEED_IN_HALVES, A_JOB_WITHOUT_A_CALLER, A_SILENT_SERVICE, A_TRANSFER_CUT_OFF};
pub use feed::{Feed, Frame};
pub use prices::Prices;

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 21,
    slug: "timeouts-and-cancellation",
    title: "Timeouts and cancellation",
    question: Question::Q24,
    saying: "put a timeout around it",
    experiments: &[A_TRANSFER_CUT_OFF, A_SILENT_SERVICE, A_FEED_IN_HALVES, A_JOB_WITHOUT_A_CALLER],
};

/// How long a request may take. Short, so that a run takes no longer; a service of yours has its own.
pub const DEADLINE: Duration = Duration::from_millis(100);

/// How long work that outlives its request waits for the auditor.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long the price service says nothing, in milliseconds.
pub(crate) const SILENCE_MS: Control =
    Control { name: "silence_ms", label: "silent for (ms)", min: 200, max: 8_000, default: 1_000 };
