//! Lesson 04: what do a hundred and one statements cost where a statement is cheapest, in a database in the same process?
//!
//! There is no network to the database. With one, each statement pays a round trip on top; the count of statements is what
//! travels.

use n_plus_one::{AUTHORS_WITH_BOOKS, STATEMENTS};
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "04-authors-with-books",
    question: "How long does a page of 100 authors with their books take, from SQLite in memory?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &AUTHORS_WITH_BOOKS,
        controls: &[("authors", 100)],
        asks: None,
        counts: Some(STATEMENTS),
        anew: false,
    }),
    measure: asked::measure,
};
