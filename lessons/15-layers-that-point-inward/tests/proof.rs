//! Proves lesson 15: two doors and one rule, what its test has to bring, and which way the dependencies point.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{
    collections::BTreeSet,
    process::Command,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use lab::{Experiment, Observed, Report, Run};
use layers_that_point_inward::{
    DATABASES, EXAMPLES, Example, FORTY_EXAMPLES, LESSON, REQUESTS, STATEMENTS, TWO_DOORS, expected, said,
};
use ordering::{Line, Order, Orders, Receipt, Refusal, place};

const RIGHT: [&str; 6] = ["9000", "1900", "10251", "pieces", "990000", "too much"];

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn counted(report: &Report) -> [u64; 3] {
    [REQUESTS, DATABASES, STATEMENTS].map(|name| report.counter(name))
}

#[test]
fn the_web_shop_answers_by_the_rule_and_all_examples_hold_on_every_variant() {
    for variant in TWO_DOORS.variants {
        assert_eq!(said(&run(&TWO_DOORS, variant.name)).unwrap().0, RIGHT, "{}", variant.name);
    }
    for variant in FORTY_EXAMPLES.variants {
        let report = run(&FORTY_EXAMPLES, variant.name);
        assert_eq!(report.observed, Observed::Count { sent: 40, succeeded: 40 }, "{}", variant.name);
    }
}

#[test]
fn a_copied_rule_answers_five_of_six_orders_otherwise() {
    let report = run(&TWO_DOORS, "rule-in-the-handler");

    let import = said(&report).unwrap().1;
    assert_eq!(import, ["10000", "2000", "10790", "9090", "990000", "1800000"]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_service_that_answers_in_http_tells_the_import_a_status_and_not_a_reason() {
    let report = run(&TWO_DOORS, "handler-behind-the-import");

    let import = said(&report).unwrap().1;
    assert_eq!(import, ["9000", "1900", "10251", "422", "990000", "422"]);
    assert!(!report.verdict.holds);
}

#[test]
fn two_doors_to_one_rule_answer_alike() {
    let report = run(&TWO_DOORS, "rule-in-the-domain");

    assert_eq!(said(&report).unwrap().1, RIGHT);
    report.assert_holds();
}

#[test]
fn forty_examples_of_a_rule_in_a_handler_need_forty_requests_and_forty_databases() {
    let report = run(&FORTY_EXAMPLES, "rule-in-the-handler");

    // A schema for each, and an insert for each that is accepted.
    let accepted = (0..EXAMPLES).filter(|number| expected(Example::of(*number)).is_ok()).count();
    assert_eq!(accepted, 30);
    assert_eq!(counted(&report), [40, 40, 70]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_service_layer_over_a_pool_saves_the_requests_and_keeps_the_databases() {
    let report = run(&FORTY_EXAMPLES, "handler-behind-the-import");

    assert_eq!(counted(&report), [0, 40, 70]);
    assert!(!report.verdict.holds);
}

#[test]
fn forty_examples_of_a_rule_in_the_domain_need_nothing() {
    let report = run(&FORTY_EXAMPLES, "rule-in-the-domain");

    assert_eq!(counted(&report), [0, 0, 0]);
    report.assert_holds();
}

#[test]
fn a_price_that_does_not_fit_a_number_is_refused_and_does_not_wrap_around() {
    for line in [Line { cents: u64::MAX, pieces: 2 }, Line { cents: u64::MAX, pieces: 1 }] {
        assert_eq!(Order::new(false, &[line, line]), Err(Refusal::TooMuch));
    }
    assert_eq!(Order::new(false, &[]), Err(Refusal::Empty));
}

/// Another place to keep orders.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<u64>>>);

impl Orders for Shelf {
    type Fault = &'static str;

    async fn keep(&self, order: &Order) -> Result<u64, Self::Fault> {
        let mut kept = self.0.lock().unwrap();
        kept.push(order.total());
        u64::try_from(kept.len()).map_err(|_| "more orders than numbers")
    }
}

// ANCHOR: without_a_runtime
#[test]
fn the_use_case_runs_without_a_runtime() {
    let (shelf, order) = (Shelf::default(), Order::new(true, &[Line { cents: 1000, pieces: 2 }]).unwrap());
    let mut placing = Box::pin(place(&shelf, &order));

    // Polled by hand: nothing in it waits for anything, so the first time is the last.
    let placed = placing.as_mut().poll(&mut Context::from_waker(Waker::noop()));

    assert_eq!(placed, Poll::Ready(Ok(Receipt { number: 1, total: 1900 })));
}
// ANCHOR_END: without_a_runtime

/// All packages that a package of this workspace is built with here, the indirect ones included, without itself. What only a
/// test, a build script or another system needs is not among them.
fn built_with(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--package",
            package,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let mut names = tree.lines().filter_map(|line| line.split_whitespace().next());
    assert_eq!(names.next(), Some(package));
    names.map(str::to_owned).collect()
}

// ANCHOR: direction
#[test]
fn the_domain_is_built_with_nothing_and_the_service_around_it_with_framework_database_and_runtime() {
    assert_eq!(built_with("ordering"), BTreeSet::new());

    let around = built_with("layers-that-point-inward");
    for outer in ["axum", "sqlx", "tokio", "ordering"] {
        assert!(around.contains(outer), "{outer}");
    }
}
// ANCHOR_END: direction
