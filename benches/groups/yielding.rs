//! Lesson 18: what does a loop pay for letting go of its thread?
//!
//! Two loops of 2 000 rows that share one worker. The right way cannot be faster here, since the arithmetic is the same. It
//! must only not be much slower, because its gain is the neighbours' (`cargo lab 18 long-loop`).

use blocking_the_runtime::LONG_LOOP;
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "18-long-loop",
    question: "How much longer do 2 loops of 2,000 rows take when they yield every 100 rows?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &LONG_LOOP,
        controls: &[("requests", 2), ("hold_ms", 10), ("workers", 1)],
        asks: None,
        counts: None,
        anew: false,
    }),
    measure: asked::measure,
};
