//! The checks of exercise 04. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, and at what the database was asked for.

use std::sync::LazyLock;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use lab::{
    Count, Exchange, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Transcript, Variant,
};
use n_plus_one::{AUTHORS_WITH_BOOKS, LESSON, Library, ROWS};
use serde_json::{Value, json};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(async move { crate::app(Library::new(&probes).await) }),
};

/// The service, and a desk at which authors come and go.
const WITH_A_DESK: Variant = Variant { app: |probes| Box::pin(with_a_desk(probes)), ..ANSWER };

async fn with_a_desk(probes: Probes) -> Router {
    let library = Library::new(&probes).await;
    let desk = Router::new().route("/desk", post(desk)).with_state(library.clone());
    crate::app(library).merge(desk)
}

/// Adds an author, or takes one away with all books.
async fn desk(State(library): State<Library>, Json(order): Json<Value>) -> Result<StatusCode, StatusCode> {
    let statements = if order["add"].is_string() {
        ["INSERT INTO authors (name) VALUES (?)", "SELECT ?"]
    } else {
        [
            "DELETE FROM books WHERE author_id IN (SELECT id FROM authors WHERE name = ?)",
            "DELETE FROM authors WHERE name = ?",
        ]
    };
    for statement in statements {
        let name = order["add"].as_str().or(order["remove"].as_str());
        let done = sqlx::query(statement).bind(name).execute(&library).await;
        done.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody turns the pages while authors come and go, and asks for what there is not.
static WALK: Experiment = Experiment {
    slug: "walk",
    title: "A walk over the pages",
    watch: "Is every author seen once?",
    controls: AUTHORS_WITH_BOOKS.controls,
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const STEPS: &[Step] = &[
    Step { says: "page of two", request: |_| Request::get("/authors?limit=2") },
    Step { says: "page without a limit", request: |_| Request::get("/authors") },
    Step { says: "another author of the same name comes", request: |_| at_the_desk("add", "author 003") },
    Step { says: "first page of three", request: |_| Request::get("/authors?limit=3") },
    Step { says: "an author comes whose name is the first", request: |_| at_the_desk("add", "author 000") },
    Step { says: "second page", request: |so_far| page_after(so_far, WALKED[0]) },
    Step { says: "the last author of that page goes", request: |_| at_the_desk("remove", "author 005") },
    Step { says: "third page", request: |so_far| page_after(so_far, WALKED[1]) },
    Step { says: "limit=101", request: |_| Request::get("/authors?limit=101") },
    Step { says: "limit=1000000", request: |_| Request::get("/authors?limit=1000000") },
    Step { says: "limit=0", request: |_| Request::get("/authors?limit=0") },
    Step { says: "limit=-1", request: |_| Request::get("/authors?limit=-1") },
    Step {
        says: "limit=9223372036854775807",
        request: |_| Request::get("/authors?limit=9223372036854775807"),
    },
    Step { says: "after=from-nowhere", request: |_| Request::get("/authors?after=from-nowhere") },
];

// The places of the steps in the transcript.
const TWO: usize = 0;
const NO_LIMIT: usize = 1;
const WALKED: [usize; 3] = [3, 5, 7];
const BAD_LIMITS: [usize; 5] = [8, 9, 10, 11, 12];
const BAD_CURSOR: usize = 13;

fn at_the_desk(what: &str, name: &str) -> Request {
    Request::post("/desk", json!({ what: name }))
}

fn page_after(so_far: &[Exchange], page: usize) -> Request {
    let next = so_far[page].body["next"].as_str().unwrap_or_default();
    // The cursor is the answer's own business: it may hold any character.
    let encoded: String = next.bytes().map(|byte| format!("%{byte:02X}")).collect();
    Request::get(format!("/authors?limit=3&after={encoded}"))
}

/// A page as long as it may be.
static A_HUNDRED: Experiment = Experiment {
    plan: Plan::Count(Count { requests: |_| vec![Request::get("/authors?limit=100")], at_once: |_| 1 }),
    ..AUTHORS_WITH_BOOKS
};

/// A short page of a long list.
static TEN_OF_A_HUNDRED: Experiment = Experiment {
    plan: Plan::Count(Count { requests: |_| vec![Request::get("/authors?limit=10")], at_once: |_| 1 }),
    judge: judge_rows,
    ..AUTHORS_WITH_BOOKS
};

fn judge_rows(report: &Report) -> Vec<Finding> {
    let rows = report.counter(ROWS);
    vec![Finding::new(
        "a page of ten of a hundred authors",
        "rows read",
        rows,
        "at most 50",
        (1..=50).contains(&rows),
        "The page is cut out of more than it shows. The database can do that before it hands over the rows.",
    )]
}

// Several checks look at this run.
static WALKED_OVER: LazyLock<Report> = LazyLock::new(|| run(&WALK, WITH_A_DESK, 8));

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, variant: Variant, authors: u64) -> Report {
    let controls = experiment.controls([("authors", authors)]).expect("each of them has this control");
    Run::of(&LESSON, experiment, variant, controls).judged().report()
}

#[test]
fn a_page_lists_each_author_with_its_books() {
    WALKED_OVER.assert_holds();
    let of = |number: usize| {
        let books: Vec<_> = (0..number % 3).map(|book| format!("book {number:03}-{book}")).collect();
        json!({ "name": format!("author {number:03}"), "books": books })
    };
    for (step, authors) in [(TWO, 1..=2), (NO_LIMIT, 1..=8)] {
        let exchange = &WALKED_OVER.exchanges()[step];
        let expected: Value = authors.map(of).collect();
        Finding::new(
            &exchange.says,
            "items",
            seen(exchange, &exchange.body["items"]),
            &expected,
            exchange.status == Some(200) && exchange.body["items"] == expected,
            "Every author is on the page, in order of the name, with all books in order of the title.",
        )
        .assert_holds();
    }
}

#[test]
fn a_page_of_a_hundred_authors_takes_two_statements_at_most() {
    run(&A_HUNDRED, ANSWER, 100).assert_holds();
}

#[test]
fn a_page_reads_only_the_rows_it_shows() {
    run(&TEN_OF_A_HUNDRED, ANSWER, 100).assert_holds();
}

#[test]
fn a_walk_over_the_pages_sees_every_author_once() {
    WALKED_OVER.assert_holds();
    let pages = [
        ["author 001", "author 002", "author 003"],
        ["author 003", "author 004", "author 005"],
        ["author 006", "author 007", "author 008"],
    ];
    for (step, expected) in WALKED.into_iter().zip(pages) {
        let exchange = &WALKED_OVER.exchanges()[step];
        let items = exchange.body["items"].as_array().map_or(&[][..], Vec::as_slice);
        let names: Value = items.iter().map(|author| author["name"].clone()).collect();
        Finding::new(
            &exchange.says,
            "names",
            seen(exchange, &names),
            json!(expected),
            names == json!(expected),
            "Authors came and went between the pages, and two have one name. Whoever stays is seen once.",
        )
        .assert_holds();
    }
    let last = &WALKED_OVER.exchanges()[WALKED[2]];
    Finding::new(
        "the last page",
        "next",
        &last.body["next"],
        "null",
        last.body.get("next") == Some(&Value::Null),
        "There is nothing after it, and a client that follows `next` has to come to an end.",
    )
    .assert_holds();
}

#[test]
fn a_limit_out_of_bounds_is_refused() {
    for step in BAD_LIMITS {
        refused(step, "The client must not decide how many rows the service reads and holds in memory.");
    }
}

#[test]
fn a_cursor_that_was_made_up_is_refused() {
    refused(BAD_CURSOR, "A cursor comes from outside, like every other parameter.");
}

fn seen(exchange: &Exchange, what: &Value) -> String {
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    if exchange.status == Some(200) { what.to_string() } else { status }
}

#[track_caller]
fn refused(step: usize, meaning: &str) {
    WALKED_OVER.assert_holds();
    let exchange = &WALKED_OVER.exchanges()[step];
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let holds = exchange.status.is_some_and(|status| (400..500).contains(&status));
    Finding::new(&exchange.says, "status", status, "400 or 422", holds, meaning).assert_holds();
}
