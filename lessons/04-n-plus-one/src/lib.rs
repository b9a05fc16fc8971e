//! Lesson 04 · Count the statements, cap the page.
//!
//! A query for each row of a list is not seen in a test with three rows. It costs one round trip a row, and with the data
//! it grows. A page without a cap, or one that is found by counting rows, is its neighbour: right on a small table that
//! stands still.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `library.rs` (the database,
//! which counts) and `pages.rs` (what a page looks like) serve both sides.

mod library;
mod pages;
pub mod right;
pub mod wrong;

use lab::{
    Control, Count, Exchange, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Step, Transcript, Variant,
};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::FromRow;

pub use library::{Library, ROWS, SHELF, STATEMENTS};
pub use pages::{BookRow, CreateBook, Page, PageParameters};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 4,
    slug: "n-plus-one",
    title: "N+1 and unbounded pages",
    question: Question::Q20,
    saying: "watch out for N+1",
    experiments: &[AUTHORS_WITH_BOOKS, TURN_THE_PAGES, ASK_FOR_A_MILLION],
};

/// An author as it is read from the database.
#[derive(Debug, FromRow)]
pub struct AuthorRow {
    /// Its identifier.
    pub id: i64,
    /// The author's name.
    pub name: String,
}

/// An author as the service answers it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct AuthorResponse {
    /// The author's name.
    pub name: String,
    /// The titles of the author's books.
    pub books: Vec<String>,
}

/// One page of authors, each with the author's books.
pub const AUTHORS_WITH_BOOKS: Experiment = Experiment {
    slug: "authors-with-books",
    title: "Authors with their books",
    watch: "How many statements does one answer cost? Double the authors and look again.",
    controls: &[AUTHORS],
    plan: Plan::Count(Count { requests: |_| vec![Request::get("/authors")], at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "query-per-author",
            side: Side::Wrong,
            says: "asks for the authors, then for the books of each",
            app: |probes| Box::pin(wrong::query_per_author(probes)),
        },
        Variant {
            name: "all-at-once",
            side: Side::Wrong,
            says: "sends the same statements beside each other",
            app: |probes| Box::pin(wrong::all_at_once(probes)),
        },
        Variant {
            name: "join",
            side: Side::Right,
            says: "lets the database bring the books along",
            app: |probes| Box::pin(right::join(probes)),
        },
        Variant {
            name: "two-statements",
            side: Side::Right,
            says: "asks once for the authors and once for all their books",
            app: |probes| Box::pin(right::two_statements(probes)),
        },
    ],
    judge: judge_statements,
};

/// Somebody turns the pages of a list while books come and go.
pub const TURN_THE_PAGES: Experiment = Experiment {
    slug: "turn-the-pages",
    title: "Turning the pages while books come and go",
    watch: "Which book comes twice, and which one never?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[
        OFFSET,
        Variant {
            name: "half-a-key",
            side: Side::Wrong,
            says: "goes on after the last row's year",
            app: |probes| Box::pin(wrong::half_a_key(probes)),
        },
        KEYSET,
    ],
    judge: judge_walk,
};

/// Three requests for a page: of twenty, of a million, and of minus one.
pub const ASK_FOR_A_MILLION: Experiment = Experiment {
    slug: "ask-for-a-million",
    title: "A page of a million",
    watch: "How many rows does the service read for three requests?",
    controls: &[BOOKS],
    plan: Plan::Count(Count {
        requests: |_| ["20", "1000000", "-1"].map(|n| Request::get(format!("/books?limit={n}"))).to_vec(),
        at_once: |_| 1,
    }),
    upstream: None,
    variants: &[OFFSET, KEYSET],
    judge: judge_rows,
};

/// How many authors there are. The page holds all of them.
const AUTHORS: Control = Control { name: "authors", label: "authors", min: 1, max: 100, default: 10 };
/// How many books there are.
const BOOKS: Control = Control { name: "books", label: "books", min: 200, max: 5_000, default: 1_000 };

const OFFSET: Variant = Variant {
    name: "offset",
    side: Side::Wrong,
    says: "takes limit and offset from the client",
    app: |probes| Box::pin(wrong::offset(probes)),
};
const KEYSET: Variant = Variant {
    name: "keyset",
    side: Side::Right,
    says: "goes on after the last row's year and identifier, and caps the page",
    app: |probes| Box::pin(right::keyset(probes)),
};

const STEPS: &[Step] = &[
    Step {
        says: "Ada opens the newest books, three to a page.",
        request: |_| Request::get("/books?limit=3"),
    },
    Step {
        says: "Meanwhile a new book is added.",
        request: |_| Request::post("/books", json!({ "title": "Piranesi", "published": 2020 })),
    },
    Step { says: "Ada turns the page.", request: |so_far| next_page(so_far, PAGES[0]) },
    Step {
        says: "Meanwhile a book that Ada has seen is taken away.",
        request: |_| Request {
            method: "DELETE".to_owned(),
            ..Request::get("/books/Parable%20of%20the%20Sower")
        },
    },
    Step { says: "Ada turns the page.", request: |so_far| next_page(so_far, PAGES[1]) },
];

/// The places of the pages in the transcript.
const PAGES: [usize; 3] = [0, 2, 4];

fn next_page(so_far: &[Exchange], page: usize) -> Request {
    let next = so_far.get(page).and_then(|exchange| exchange.body["next"].as_str()).unwrap_or_default();
    Request::get(format!("/books?limit=3&after={next}"))
}

fn judge_statements(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let statements = report.counter(STATEMENTS);
    vec![
        answered(sent, succeeded, "for the authors"),
        Finding::new(
            "the database behind it",
            STATEMENTS,
            statements,
            "at most 2",
            (1..=2 * sent).contains(&statements),
            "Each author costs a statement of its own. The page gets slower with every author on it.",
        ),
    ]
}

fn judge_walk(report: &Report) -> Vec<Finding> {
    let pages = PAGES.map(|page| report.exchanges().get(page));
    let answered = pages.iter().flatten().filter(|page| page.status == Some(200)).count();
    let seen: Vec<&str> = pages.iter().flatten().flat_map(|page| titles(&page.body)).collect();
    let times = |title: &str| seen.iter().filter(|other| **other == title).count();
    let which = |wanted: fn(usize) -> bool| -> String {
        let titles: Vec<_> = SHELF.iter().filter(|(t, _)| wanted(times(t))).map(|(t, _)| *t).collect();
        if titles.is_empty() { "none".to_owned() } else { titles.join(", ") }
    };
    let (twice, never) = (which(|times| times > 1), which(|times| times == 0));
    vec![
        Finding::new(
            "three pages",
            "answered with 200",
            answered,
            pages.len(),
            answered == pages.len(),
            "The pages themselves are not right yet.",
        ),
        Finding::new(
            "books that were there all the time",
            "seen twice",
            &twice,
            "none",
            twice == "none",
            "The next page is found by counting rows, and a row that was added has moved all the others.",
        ),
        Finding::new(
            "books that were there when Ada began",
            "never seen",
            &never,
            "none",
            never == "none",
            "Where the next page begins is not one certain row, so a row in between is passed over.",
        ),
    ]
}

fn judge_rows(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let rows = report.counter(ROWS);
    // One row more than the page holds tells whether there is a next page.
    let most = sent * (right::MOST.cast_unsigned() + 1);
    vec![
        Finding::new(
            "a page of twenty, among them",
            "answered with 2xx",
            succeeded,
            "at least 1",
            succeeded > 0,
            "A page of an ordinary length has to be answered.",
        ),
        Finding::new(
            format!("{sent} requests for a page"),
            ROWS,
            rows,
            format!("at most {most}"),
            (1..=most).contains(&rows),
            "The client decides how many rows the service reads, holds in memory and sends.",
        ),
    ]
}

fn answered(sent: u64, succeeded: u64, what: &str) -> Finding {
    Finding::all_answered(format!("{sent} request {what}"), "answered with 2xx", succeeded, sent)
}

/// The titles on a page, from the body of an answer.
pub fn titles(body: &Value) -> Vec<&str> {
    body["items"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
