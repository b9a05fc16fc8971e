//! Proves lesson 03: both ways answer alike; what differs is the number of connections that the upstream accepts.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use lab::{Experiment, Observed, Report, Run};
use one_client::{LESSON, TWENTY_QUOTES, UNREAD_ANSWERS};

const CONNECTIONS: &str = "connections accepted";
const SERVED: &str = "requests served";

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

#[test]
fn every_variant_answers_every_request() {
    for experiment in LESSON.experiments {
        for variant in experiment.variants {
            let report = run(experiment, variant.name, &[("requests", 2)]);
            assert_eq!(report.observed, Observed::Count { sent: 2, succeeded: 2 }, "{}", variant.name);
            assert_eq!(report.counter(SERVED), 2, "{}", variant.name);
        }
    }
}

#[test]
fn a_client_for_each_request_opens_a_connection_for_each_request() {
    for (requests, at_once) in [(20, 1), (9, 4)] {
        let asked = [("requests", requests), ("at_once", at_once)];
        let report = run(&TWENTY_QUOTES, "client-per-request", &asked);

        assert_eq!(report.counter(CONNECTIONS), requests);
        assert!(!report.verdict.holds);
    }
}

#[test]
fn a_shared_client_opens_one_connection_for_requests_in_turn() {
    let report = run(&TWENTY_QUOTES, "shared-client", &[]);

    assert_eq!(report.counter(CONNECTIONS), 1);
    report.assert_holds();
}

/// Not "at most 4": hyper's pool opens a connection for a request that finds none idle, and a fifth is seen now and then.
#[test]
fn a_shared_client_uses_connections_again_for_requests_beside_each_other() {
    run(&TWENTY_QUOTES, "shared-client", &[("at_once", 4)]).assert_holds();
}

#[test]
fn too_few_requests_to_use_a_connection_again_are_not_held_against_a_shared_client() {
    run(&TWENTY_QUOTES, "shared-client", &[("requests", 8), ("at_once", 8)]).assert_holds();
}

#[test]
fn a_long_answer_that_is_not_read_costs_its_connection_though_the_client_is_shared() {
    let report = run(&UNREAD_ANSWERS, "status-only", &[]);

    assert_eq!(report.counter(CONNECTIONS), 20);
    assert!(!report.verdict.holds);
}

#[test]
fn a_short_answer_that_is_not_read_costs_nothing_because_it_came_with_the_status() {
    run(&UNREAD_ANSWERS, "status-only", &[("page_kb", 4)]).assert_holds();
}

#[test]
fn an_answer_that_is_read_or_has_no_body_leaves_its_connection_to_the_next() {
    for variant in ["read-to-the-end", "head"] {
        let report = run(&UNREAD_ANSWERS, variant, &[]);

        assert_eq!(report.counter(CONNECTIONS), 1, "{variant}");
        report.assert_holds();
    }
}
