//! Proves lesson 12: every variant serves an honest user; only one of them sees the thief.
//!
//! The race is gated: all requests have reached the store before the first statement runs.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use lab::{Experiment, Observed, Report, Run};
use refresh_tokens::{A_STOLEN_TOKEN, LESSON, TEN_AT_ONCE};

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn transcript(variant: &str) -> Report {
    run(&A_STOLEN_TOKEN, variant, &[])
}

/// The round trip is as short as can be: the gate alone has to make sure that the requests overlap.
fn race(variant: &str, requests: u64) -> Report {
    run(&TEN_AT_ONCE, variant, &[("requests", requests), ("hold_ms", 1)])
}

/// Statuses of: login, profile, refresh token at the profile, refresh, profile, reuse, newest token after the reuse.
fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

fn winners(report: &Report) -> usize {
    match &report.observed {
        Observed::Timeline { lanes, .. } => lanes.iter().filter(|lane| lane.status == Some(200)).count(),
        other => panic!("not a timeline: {other:?}"),
    }
}

#[test]
fn every_variant_logs_in_refreshes_and_opens_the_profile() {
    for variant in A_STOLEN_TOKEN.variants {
        let seen = statuses(&transcript(variant.name));
        assert_eq!([seen[0], seen[1], seen[3], seen[4]], [200; 4], "{}", variant.name);
    }
}

#[test]
fn a_stateless_refresh_token_opens_the_profile_loses_the_role_and_works_twice() {
    let report = transcript("stateless-jwt");

    assert_eq!(statuses(&report), [200, 200, 200, 200, 200, 200, 200]);
    assert_eq!(report.exchanges()[1].body["role"], "admin");
    assert_eq!(report.exchanges()[4].body["role"], "user");
    assert!(!report.verdict.holds);
}

#[test]
fn a_token_that_is_only_refused_on_reuse_leaves_its_family_alive() {
    let report = transcript("read-then-write");

    assert_eq!(statuses(&report), [200, 200, 401, 200, 200, 401, 200]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_rotated_token_that_is_used_twice_revokes_its_family() {
    let report = transcript("rotate");

    assert_eq!(statuses(&report), [200, 200, 401, 200, 200, 401, 401]);
    assert_eq!(report.exchanges()[4].body["role"], "admin");
    report.assert_holds();
}

#[test]
fn reading_before_writing_lets_every_refresh_win_that_reads_before_the_first_writes() {
    for requests in [2, 20] {
        let report = race("read-then-write", requests);

        assert_eq!(winners(&report), usize::try_from(requests).unwrap());
        assert!(!report.verdict.holds);
    }
}

#[test]
fn one_statement_lets_one_of_two_or_twenty_refreshes_win() {
    for requests in [2, 20] {
        let report = race("rotate", requests);

        assert_eq!(winners(&report), 1);
        report.assert_holds();
    }
}
