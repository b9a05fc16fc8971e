//! Proves lesson 03: both ways answer alike; what differs is the number of connections that the upstream accepts.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use lab::{Observed, Report, Run};
use one_client::{LESSON, TWENTY_QUOTES};

const CONNECTIONS: &str = "connections accepted";
const SERVED: &str = "requests served";

fn run(variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = TWENTY_QUOTES.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, &TWENTY_QUOTES, *TWENTY_QUOTES.variant(variant).unwrap(), controls).report()
}

#[test]
fn every_variant_answers_every_request() {
    for variant in TWENTY_QUOTES.variants {
        let report = run(variant.name, &[]);
        assert_eq!(report.observed, Observed::Count { sent: 20, succeeded: 20 }, "{}", variant.name);
        assert_eq!(report.counter(SERVED), 20, "{}", variant.name);
    }
}

#[test]
fn a_client_for_each_request_opens_a_connection_for_each_request() {
    let report = run("client-per-request", &[]);

    assert_eq!(report.counter(CONNECTIONS), 20);
    assert!(!report.verdict.holds);
}

#[test]
fn a_shared_client_opens_one_connection_for_requests_in_turn() {
    let report = run("shared-client", &[]);

    assert_eq!(report.counter(CONNECTIONS), 1);
    report.assert_holds();
}

#[test]
fn more_requests_at_once_do_not_save_a_client_for_each_request() {
    let report = run("client-per-request", &[("at_once", 4)]);

    assert_eq!(report.counter(CONNECTIONS), 20);
    assert!(!report.verdict.holds);
}
