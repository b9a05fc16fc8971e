//! Proves lesson 12: every variant serves an honest user; only one of them sees the thief.
//!
//! The race is gated: all requests have reached the store before the first statement runs.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use lab::{Experiment, Observed, Report, Run};
use refresh_tokens::{A_STOLEN_TOKEN, LESSON, TEN_AT_ONCE};

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

/// A transcript has no peers to wait for.
fn transcript(variant: &str) -> Report {
    let controls = A_STOLEN_TOKEN.controls([]).unwrap();
    Run::of(&LESSON, &A_STOLEN_TOKEN, *A_STOLEN_TOKEN.variant(variant).unwrap(), controls).report()
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
fn reading_before_writing_lets_all_of_ten_refreshes_win() {
    let report = run(&TEN_AT_ONCE, "read-then-write");

    assert_eq!(winners(&report), 10);
    assert!(!report.verdict.holds);
}

#[test]
fn one_statement_lets_one_of_ten_refreshes_win() {
    let report = run(&TEN_AT_ONCE, "rotate");

    assert_eq!(winners(&report), 1);
    report.assert_holds();
}
