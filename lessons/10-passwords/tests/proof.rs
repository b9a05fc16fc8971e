//! Proves lesson 10: every variant tells the right password from a wrong one; what it costs, and whom it tells what, differs.
//!
//! The storm is gated: a hash begins when all that could be computed at once are there.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use lab::{Experiment, Lane, Observed, Plan, Report, Run, Step, Transcript};
use passwords::{
    LESSON, LOGIN_STORM, MIB_A_HASH, OLD_HASHES, UNKNOWN_USERS,
    accounts::{ADA, GRACE},
    argon::{POLICY, nobodys, price},
    login,
};

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Run {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls)
}

fn storm(variant: &str, asked: &[(&str, u64)]) -> Report {
    run(&LOGIN_STORM, variant, asked).gated().report()
}

#[track_caller]
fn timeline(report: &Report) -> (&[Lane], u64) {
    match &report.observed {
        Observed::Timeline { lanes, beats_meanwhile, .. } => (lanes, *beats_meanwhile),
        other => panic!("not a timeline: {other:?}"),
    }
}

fn statuses(report: &Report, status: u16) -> usize {
    timeline(report).0.iter().filter(|lane| lane.status == Some(status)).count()
}

/// The right password is the one of the storm's first request.
fn right_password() -> lab::Request {
    let Plan::Timeline(storm) = &LOGIN_STORM.plan else { panic!("the storm is a timeline") };
    (storm.requests)(&LOGIN_STORM.controls([]).unwrap()).remove(0)
}

static LOGINS: Experiment = Experiment {
    slug: "logins",
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "the right password", request: |_| right_password() },
            Step { says: "a wrong one", request: |_| login(ADA, "A long walk in the rain") },
            Step { says: "of somebody else", request: |_| login(GRACE, "let me in") },
            Step { says: "of nobody", request: |_| login("nobody", "let me in") },
            Step { says: "none", request: |_| login(ADA, "") },
        ],
    }),
    judge: |_| Vec::new(),
    ..LOGIN_STORM
};

#[test]
fn every_variant_lets_the_right_password_in_and_refuses_all_others_alike() {
    for variant in LESSON.experiments.iter().flat_map(|experiment| experiment.variants) {
        let controls = LOGINS.controls([]).unwrap();
        let report = Run::of(&LESSON, &LOGINS, *variant, controls).report();
        let exchanges = report.exchanges();
        let statuses: Vec<_> = exchanges.iter().map(|exchange| exchange.status.unwrap()).collect();
        assert_eq!(statuses, [200, 401, 401, 401, 401], "{}", variant.name);
        assert!(
            exchanges[1..]
                .iter()
                .all(|e| (&e.body, &e.headers) == (&exchanges[1].body, &exchanges[1].headers))
        );
    }
}

#[test]
fn a_hash_in_the_handler_lets_no_heartbeat_through() {
    let report = storm("on-the-worker", &[("requests", 4)]);

    assert_eq!(statuses(&report, 200), 4);
    assert_eq!(timeline(&report).1, 0);
    assert!(!report.verdict.holds);
}

#[test]
fn the_blocking_pool_computes_every_hash_at_once_each_in_memory_of_its_own() {
    let report = storm("spawn-blocking", &[]);

    assert!(timeline(&report).1 > 0);
    assert_eq!(report.gauge("hashes at once"), 10);
    assert_eq!(report.counter("buffers allocated"), 10);
    assert!(!report.verdict.holds);
}

#[test]
fn a_permit_for_each_core_bounds_the_hashes_and_their_memory_is_kept() {
    for cores in [1, 2] {
        let report = storm("permit", &[("cores", cores)]);

        assert_eq!(statuses(&report, 200), 10);
        assert_eq!(report.gauge("hashes at once"), cores);
        assert_eq!(report.counter("buffers allocated"), cores);
        report.assert_holds();
    }
}

#[test]
fn whoever_finds_no_seat_is_told_at_once_to_come_again() {
    let report = storm("permit", &[("requests", 40)]);

    // Two are computed, 32 wait, and the hashes do not end before the gate has lost its patience.
    assert_eq!((statuses(&report, 200), statuses(&report, 503)), (34, 6));
    report.assert_holds();
}

#[test]
fn an_early_return_computes_no_hash_for_a_name_that_does_not_exist() {
    let report = run(&UNKNOWN_USERS, "early-return", &[]).report();

    assert_eq!(report.counter("hashes computed"), 5);
    assert!(!report.verdict.holds);
}

#[test]
fn a_cheap_dummy_computes_as_many_hashes_and_half_of_them_fill_nothing() {
    let report = run(&UNKNOWN_USERS, "cheap-dummy", &[]).report();

    assert_eq!(report.counter("hashes computed"), 10);
    assert_eq!(report.counter("MiB filled"), 5 * MIB_A_HASH);
    assert!(!report.verdict.holds);
}

#[test]
fn a_dummy_at_todays_price_makes_every_refusal_cost_the_same() {
    let report = run(&UNKNOWN_USERS, "equal-dummy", &[]).report();

    assert_eq!(report.counter("hashes computed"), 10);
    assert_eq!(report.counter("MiB filled"), 10 * MIB_A_HASH);
    report.assert_holds();
    let dummy = price(&nobodys(&POLICY));
    assert_eq!(
        (dummy.m_cost(), dummy.t_cost(), dummy.p_cost()),
        (POLICY.m_cost(), POLICY.t_cost(), POLICY.p_cost())
    );
}

#[test]
fn a_raised_policy_changes_no_hash_that_is_stored() {
    let report = run(&OLD_HASHES, "verify-only", &[]).report();

    assert_eq!(report.counter("hashes at an old price"), 3);
    assert!(!report.verdict.holds);
}

#[test]
fn a_new_hash_at_login_ends_the_old_price_after_the_first() {
    let report = run(&OLD_HASHES, "rehash-at-login", &[]).report();

    assert_eq!(report.counter("hashes at an old price"), 1);
    assert_eq!(report.counter("hashes computed"), 4);
    report.assert_holds();
}

/// The reason for the two lessons above: whatever price the hasher was built with, the stored hash has its own.
#[test]
fn the_library_verifies_at_the_price_that_the_stored_hash_names() {
    let cheap = Argon2::from(Params::new(8, 1, 1, None).unwrap()).hash_password(b"a word").unwrap();
    let strict = Argon2::from(POLICY);

    // Other parameters give another output. That it is right says which were used.
    assert!(strict.verify_password(b"a word", &cheap).is_ok());
    let at_todays_price = strict.hash_password_with_salt(b"a word", &cheap.salt.unwrap()).unwrap();
    assert_ne!(at_todays_price.hash, cheap.hash);
}
