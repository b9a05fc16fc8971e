//! Lesson 02 · Backpressure and single flight.
//!
//! Everything has a capacity. Whoever asks faster than it answers builds a queue, and without a bound somewhere the queue
//! is memory, then time, then an outage. Backpressure is the bound, and the answer to what does not fit. A bound only
//! holds where it is counted once for all who share the thing: not per request, not per connection.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`.

mod door;
mod engine;
mod experiments;
mod rates;
pub mod right;
mod site;
pub mod wrong;

use lab::{Control, Lesson, Question};

pub use engine::{Engine, SEATS, busy};
pub use experiments::{A_COLD_KEY, TEN_AT_THE_DOOR, TWO_CRAWLS};
pub use rates::{CURRENCIES, NoRate, Rates};
pub use site::{CAPACITY, Crawled, Failed, Page, Site};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 2,
    slug: "backpressure",
    title: "Backpressure and single flight",
    question: Question::Q20,
    saying: "just run them all at once",
    experiments: &[TEN_AT_THE_DOOR, TWO_CRAWLS, A_COLD_KEY],
};

/// How many pages the site has.
pub(crate) const PAGES: Control = Control { name: "pages", label: "pages", min: 8, max: 1_000, default: 500 };

/// Counts what became of the pages.
pub fn tally(fetched: impl IntoIterator<Item = Result<(), Failed>>) -> Crawled {
    fetched.into_iter().fold(Crawled::default(), |sum, page| match page {
        Ok(()) => Crawled { fetched: sum.fetched + 1, ..sum },
        Err(_) => Crawled { failed: sum.failed + 1, ..sum },
    })
}
