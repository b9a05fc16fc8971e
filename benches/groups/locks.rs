//! Lesson 20: what does a lock cost that is held while its task waits?
//!
//! Ten requests for ten rates that nobody has asked for yet, each 2 ms away: 20 ms one after the other, 2 ms together. As in
//! lesson 18, tokio's timer rounds up to whole milliseconds.

use locks_across_await::{CALLS, TEN_RATES};
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "20-ten-rates",
    question: "How long until 10 rates, each 2 ms away and none of them known yet, are all answered?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &TEN_RATES,
        controls: &[("requests", 10), ("hold_ms", 2), ("workers", 1)],
        asks: None,
        counts: Some(CALLS),
        anew: true,
    }),
    measure: asked::measure,
};
