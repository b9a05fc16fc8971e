//! Proves lesson 04: the wrong ways answer as the right ones do, and cost, repeat, miss or read what they should not.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt as _;
use lab::{Controls, Experiment, Observed, Probes, Report, Run};
use n_plus_one::{
    ASK_FOR_A_MILLION, AUTHORS_WITH_BOOKS, LESSON, Library, ROWS, SHELF, STATEMENTS, TURN_THE_PAGES, right,
    titles,
};
use serde_json::Value;
use tower::ServiceExt as _;

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).report()
}

async fn service(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Router {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    (experiment.variant(variant).unwrap().app)(Probes::new(controls)).await
}

async fn get(service: &Router, path: &str) -> (StatusCode, Value) {
    let answer = service.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn every_variant_answers_the_same_authors_with_the_same_books() {
    let mut answers = Vec::new();
    for variant in AUTHORS_WITH_BOOKS.variants {
        let service = service(&AUTHORS_WITH_BOOKS, variant.name, &[("authors", 5)]).await;
        answers.push(get(&service, "/authors").await);
    }

    assert_eq!(answers[0].0, StatusCode::OK);
    assert_eq!(answers[0].1[1]["books"], serde_json::json!(["book 002-0", "book 002-1"]));
    assert_eq!(answers[0].1[2]["books"], serde_json::json!([]), "an author without books is on the page");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn every_variant_answers_the_same_first_page() {
    for variant in TURN_THE_PAGES.variants {
        let service = service(&TURN_THE_PAGES, variant.name, &[]).await;

        let (status, page) = get(&service, "/books?limit=3").await;

        assert_eq!(status, StatusCode::OK, "{}", variant.name);
        assert_eq!(titles(&page), ["Parable of the Sower", "Snow Crash", "Red Mars"]);
    }
}

#[test]
fn a_query_for_each_author_costs_one_statement_more_than_there_are_authors() {
    for variant in ["query-per-author", "all-at-once"] {
        for authors in [1, 10, 100] {
            let report = run(&AUTHORS_WITH_BOOKS, variant, &[("authors", authors)]);

            assert_eq!(report.counter(STATEMENTS), authors + 1, "{variant}");
            assert_eq!(report.verdict.holds, authors == 1, "{variant}: one author hides it");
        }
    }
}

#[test]
fn a_join_costs_one_statement_and_a_list_of_keys_two_for_any_number_of_authors() {
    for (variant, statements) in [("join", 1), ("two-statements", 2)] {
        for authors in [1, 10, 100] {
            let report = run(&AUTHORS_WITH_BOOKS, variant, &[("authors", authors)]);

            assert_eq!(report.counter(STATEMENTS), statements, "{variant}");
            report.assert_holds();
        }
    }
}

/// The pages of the walk, without what happened between them.
fn walk(variant: &str) -> (Report, Vec<String>) {
    let report = run(&TURN_THE_PAGES, variant, &[]);
    let pages = [0, 2, 4].map(|page| &report.exchanges()[page]);
    assert!(pages.iter().all(|page| page.status == Some(200)), "{pages:#?}");
    let seen = pages.iter().flat_map(|page| titles(&page.body)).map(str::to_owned).collect();
    (report, seen)
}

fn times(seen: &[String], title: &str) -> usize {
    seen.iter().filter(|other| *other == title).count()
}

#[test]
fn an_offset_repeats_a_book_when_one_is_added_and_misses_one_when_one_is_taken_away() {
    let (report, seen) = walk("offset");

    assert_eq!(times(&seen, "Red Mars"), 2);
    assert_eq!(times(&seen, "Hyperion"), 0);
    assert!(!report.verdict.holds);
}

#[test]
fn a_key_that_two_books_share_misses_the_books_that_share_it_across_the_page() {
    let (report, seen) = walk("half-a-key");

    assert_eq!(["Doomsday Book", "A Fire Upon the Deep"].map(|title| times(&seen, title)), [0, 0]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_keyset_walk_sees_every_book_once() {
    let (report, seen) = walk("keyset");

    let newest_first: Vec<_> = SHELF.iter().rev().map(|(title, _)| (*title).to_owned()).collect();
    assert_eq!(seen, newest_first);
    report.assert_holds();
}

#[test]
fn a_limit_from_the_client_reads_the_whole_table_for_a_million_and_for_minus_one() {
    let report = run(&ASK_FOR_A_MILLION, "offset", &[("books", 1_000)]);

    assert_eq!(report.counter(ROWS), 20 + 1_000 + 1_000);
    assert!(!report.verdict.holds);
}

#[test]
fn a_capped_page_reads_its_rows_and_one_more() {
    let report = run(&ASK_FOR_A_MILLION, "keyset", &[("books", 1_000)]);

    assert_eq!(report.observed, Observed::Count { sent: 3, succeeded: 1 });
    assert_eq!(report.counter(ROWS), 21);
    report.assert_holds();
}

#[tokio::test]
async fn a_cursor_that_the_list_did_not_give_out_is_refused_and_never_reaches_the_statement_as_text() {
    let service = service(&TURN_THE_PAGES, "keyset", &[]).await;

    for cursor in ["", ".", "1992", "1992.", "x.1", "1992.9%20OR%201=1", "99999999999999999999.1"] {
        let (status, _) = get(&service, &format!("/books?after={cursor}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{cursor:?}");
    }
    // One that is made up well only begins somewhere else in the same list.
    let (status, page) = get(&service, "/books?limit=1&after=1974.0").await;
    assert_eq!((status, titles(&page)), (StatusCode::OK, vec!["A Wizard of Earthsea"]));
}

#[tokio::test]
async fn without_order_by_an_index_that_is_added_changes_which_rows_are_the_first() {
    let library = Library::new(&Probes::new(Controls::default())).await;
    let first = || sqlx::query_scalar::<_, String>("SELECT title FROM books LIMIT 1").fetch_one(&library);
    let before = first().await.unwrap();

    sqlx::query("CREATE INDEX books_by_title ON books (title)").execute(&library).await.unwrap();

    assert_eq!(before, "A Wizard of Earthsea");
    assert_eq!(first().await.unwrap(), "A Fire Upon the Deep");
}

#[tokio::test]
async fn a_keyset_page_is_searched_in_the_index_and_an_offset_page_is_scanned() {
    let library = Library::new(&Probes::new(Controls::default())).await;
    let keyset = format!("EXPLAIN QUERY PLAN {}", right::PAGE_OF_BOOKS);
    let offset = "EXPLAIN QUERY PLAN SELECT id, title, published FROM books
                  ORDER BY published DESC, id DESC LIMIT ? OFFSET ?";

    let mut plans = Vec::new();
    for sql in [keyset, offset.to_owned()] {
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&library).await.unwrap();
        plans.push(rows.into_iter().map(|row| row.3).collect::<Vec<_>>().join("; "));
    }

    // The rest of the line differs between versions of SQLite.
    assert!(plans[0].starts_with("SEARCH books USING INDEX books_by_age"), "{}", plans[0]);
    assert!(plans[1].starts_with("SCAN books USING INDEX books_by_age"), "{}", plans[1]);
}
