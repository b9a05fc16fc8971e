//! Lesson 04: what does the last page of a list cost?
//!
//! Both ways read the same twenty rows, far down in a list of 5,000. What differs is how the database finds the first.

use lab::{Request, Variant};
use n_plus_one::ASK_FOR_A_MILLION;
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "04-a-late-page",
    question: "How long does a page of 20 rows take, 4,900 rows down the list?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &ASK_FOR_A_MILLION,
        controls: &[("books", 5_000)],
        asks: Some(page),
        counts: None,
        anew: false,
    }),
    measure: asked::measure,
};

/// 50 books came out in each of 100 years, newest first: 4,900 down begins the year 1901, after the book 2 of 1902.
fn page(variant: &Variant) -> Vec<Request> {
    let after = if variant.name == "offset" { "4900" } else { "1902.2" };
    vec![Request::get(format!("/books?limit=20&after={after}"))]
}
