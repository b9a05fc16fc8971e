//! The lab: what every lesson is made of, and the runner that turns a lesson into a [`Report`].
//!
//! A [`Lesson`] asks one interview question. Each of its [`Experiment`]s runs several [`Variant`]s of the same small
//! service, wrong ways and right ways, under the same requests. [`Run::report`] starts the variant on a runtime of its
//! own, talks to it over real sockets, and returns a [`Report`]. The report is the only thing that proofs, terminal,
//! book and exercises look at.
//!
//! ```text
//! Lesson ─ Experiment ─┬─ Variant (wrong)  ──► Run ──► Report { observed, verdict }
//!                      └─ Variant (right)  ──► Run ──► Report { observed, verdict }
//! ```
//!
//! Read next: `lesson.rs` (what a lesson declares), `run.rs` and `send.rs` (what is done with it), then the lesson
//! `18-blocking-the-runtime`.

mod board;
mod client;
mod controls;
mod gate;
mod lesson;
mod probe;
mod refused;
mod report;
mod run;
mod send;
mod server;
mod text;
mod wait;

pub use controls::{Control, ControlError, Controls};
pub use lesson::{
    App, AppFuture, Count, Experiment, Lesson, Plan, Question, Request, Side, Step, Timeline, Transcript,
    Variant,
};
pub use probe::{Backend, Counter, Gauge, InFlight, Probes, Rows};
pub use refused::assert_refused;
pub use report::{Beat, Ended, Exchange, Finding, Lane, Observed, Reading, Report, Verdict, shown_status};
pub use run::{Event, RUN_LIMIT, Run};
pub use server::Server;
pub use text::{render, render_findings};
pub use wait::Wait;
