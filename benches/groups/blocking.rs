//! Lesson 18: how long until eight reports that wait for a database are all answered?
//!
//! Eight requests that wait 2 ms each: 16 ms one after the other, 2 ms together. One worker, because the ratio is then the
//! number of requests; the lesson shows what more workers change.
//!
//! Expect the async driver at about 3 ms and not at 2: tokio's timer counts whole milliseconds and rounds up, the
//! kernel's does not. A real driver is woken by its socket and pays no such round-up.

use blocking_the_runtime::TEN_REPORTS;
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "18-ten-reports",
    question: "How long until 8 reports, each waiting 2 ms for a database, are all answered by 1 worker?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &TEN_REPORTS,
        controls: &[("requests", 8), ("hold_ms", 2), ("workers", 1)],
        asks: None,
        counts: None,
        anew: false,
    }),
    measure: asked::measure,
};
