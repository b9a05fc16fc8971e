//! Lesson 11: what does it cost to ask a token for every claim?
//!
//! The signature is checked by all of them. What the full check costs more is the difference between the rows.

use access_tokens::A_DRAWER_OF_TOKENS;
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "11-an-honest-token",
    question: "How long does a profile behind a signed token (HS256) take?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &A_DRAWER_OF_TOKENS,
        controls: &[],
        asks: None,
        counts: None,
        anew: false,
    }),
    measure: asked::measure,
};
