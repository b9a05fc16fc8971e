//! Lesson 19: does a bounded pool make CPU work slower?
//!
//! The arithmetic is the same and the cores are the same, so nobody can win much time. What the bound saves is memory and
//! threads (`cargo lab 19 ten-thumbnails`), and it must not cost time.

use cpu_work::TEN_THUMBNAILS;
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "19-ten-thumbnails",
    question: "How long until 10 thumbnails, sent together, are all made?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &TEN_THUMBNAILS,
        controls: &[("requests", 10), ("hold_ms", 20)],
        asks: None,
        counts: None,
        anew: false,
    }),
    measure: asked::measure,
};
