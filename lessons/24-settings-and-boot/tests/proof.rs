//! Proves lesson 24: what a bad rollout does, what the platform learns in an outage, and who reads variables when.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use lab::{Controls, Experiment, Observed, Probes, Report, Run};
use serde_json::json;
use settings_and_boot::{
    A_BAD_ROLLOUT, AN_OUTAGE, LESSON, TWENTY_ORDERS, Variables,
    database::{Database, Line},
    right,
    rollout::{BAD, FAULTY, GOOD, Refused, SIGNING_KEY, Started},
    wrong,
};
use tokio::time::Instant;
use tower::ServiceExt as _;

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

fn variables(values: &[(&'static str, &'static str)]) -> Variables {
    Variables::new(&Probes::new(Controls::default()), values)
}

#[test]
fn with_good_settings_every_start_succeeds_and_orders_are_served() {
    for start in [wrong::read_where_needed, wrong::first_fault, right::all_faults] {
        assert!(start(variables(GOOD)).is_ok());
    }
    for variant in TWENTY_ORDERS.variants {
        let report = run(&TWENTY_ORDERS, variant.name);
        assert_eq!(report.observed, Observed::Count { sent: 20, succeeded: 20 }, "{}", variant.name);
    }
}

#[test]
fn while_all_is_well_every_probe_says_so() {
    for variant in AN_OUTAGE.variants {
        assert_eq!(statuses(&run(&AN_OUTAGE, variant.name))[0], 200, "{}", variant.name);
    }
}

#[test]
fn settings_that_are_read_where_they_are_needed_replace_a_good_version_and_cost_vat_and_key() {
    let report = run(&A_BAD_ROLLOUT, "read-where-needed");

    assert_eq!(statuses(&report), [200, 200, 200]);
    assert_eq!(report.exchanges()[0].body["serving"], "new");
    assert_eq!(report.exchanges()[1].body["vat"], 0);
    assert!(!report.verdict.holds);
}

#[test]
fn a_start_that_stops_at_the_first_fault_tells_one_of_three_and_logs_the_key_when_it_starts() {
    let report = run(&A_BAD_ROLLOUT, "first-fault");

    assert_eq!(statuses(&report), [200, 200, 401]);
    let rollout = &report.exchanges()[0].body;
    assert_eq!(rollout["serving"], "old");
    assert_eq!(rollout["faults"], json!(["SHOP_POOL: invalid digit found in string"]));
    assert!(rollout["log"].as_str().unwrap().contains(SIGNING_KEY), "{rollout}");
    assert!(!report.verdict.holds);
}

/// Mends what the last start complained about, as a person does, until it starts.
fn starts_needed(start: fn(Variables) -> Result<Started, Refused>) -> usize {
    let mut values = BAD.to_vec();
    for starts in 1.. {
        let Err(said) = start(variables(&values)) else { return starts };
        for name in FAULTY.into_iter().filter(|name| said.iter().any(|fault| fault.contains(name))) {
            values.retain(|(known, _)| *known != name);
            values.extend(GOOD.iter().filter(|(good, _)| *good == name));
        }
        assert!(starts <= FAULTY.len(), "{said:?}");
    }
    unreachable!("the loop above ends with a start that succeeds, or with a panic")
}

#[test]
fn three_faults_cost_four_starts_if_each_tells_one_and_two_if_the_first_tells_all() {
    assert_eq!(starts_needed(wrong::first_fault), 4);
    assert_eq!(starts_needed(right::all_faults), 2);
}

#[test]
fn a_start_that_tells_all_faults_leaves_the_old_version_serving_and_no_key_in_the_log() {
    let report = run(&A_BAD_ROLLOUT, "all-faults");

    assert_eq!(statuses(&report), [200, 200, 401]);
    let rollout = &report.exchanges()[0].body;
    assert_eq!(rollout["serving"], "old");
    assert!(rollout["log"].as_str().unwrap().contains("[REDACTED]"), "{rollout}");
    report.assert_holds();
}

#[test]
fn a_key_that_is_too_short_is_refused_and_not_repeated() {
    for key in ["", "hunter2", "thirty-one-bytes-are-too-few-xx"] {
        let said = right::all_faults(variables(&[
            ("SHOP_POOL", "4"),
            ("SHOP_SIGNING_KEY", key),
            ("SHOP_VAT_PERCENT", "19"),
        ]));
        let said = said.unwrap_err();
        assert_eq!(said, ["SHOP_SIGNING_KEY: fewer than 32 bytes"], "{key}");
    }
}

#[test]
fn a_number_is_refused_outside_of_its_bounds() {
    for vat in ["-1", "31", "", "19%", "1e1"] {
        let said = right::all_faults(variables(&[
            ("SHOP_POOL", "4"),
            ("SHOP_SIGNING_KEY", SIGNING_KEY),
            ("SHOP_VAT_PERCENT", vat),
        ]));
        let expected = format!("SHOP_VAT_PERCENT: {vat:?} is no number from 0 to 30");
        assert_eq!(said.unwrap_err(), [expected]);
    }
}

#[test]
fn a_handler_that_reads_variables_reads_one_for_each_order() {
    let report = run(&TWENTY_ORDERS, "read-where-needed");

    assert_eq!(
        (report.counter(Variables::READ_AT_BOOT), report.counter(Variables::READ_AFTER_BOOT)),
        (0, 20)
    );
    assert!(!report.verdict.holds);
}

#[test]
fn settings_that_are_read_at_the_start_are_not_read_again() {
    let report = run(&TWENTY_ORDERS, "all-faults");

    assert_eq!((report.counter(Variables::READ_AT_BOOT), report.counter(Variables::READ_AFTER_BOOT)), (3, 0));
    report.assert_holds();
}

#[test]
fn a_static_health_page_keeps_the_traffic_on_a_replica_without_a_database() {
    let report = run(&AN_OUTAGE, "static-health");

    assert_eq!(statuses(&report), [200, 204, 503, 200, 200, 204, 200, 204, 200]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_liveness_probe_that_asks_the_database_has_every_replica_restarted() {
    let report = run(&AN_OUTAGE, "liveness-asks");

    assert_eq!(statuses(&report), [200, 204, 503, 503, 503, 204, 200, 204, 200]);
    assert!(!report.verdict.holds);
}

#[test]
fn two_probes_take_the_replica_out_while_it_cannot_serve_and_leave_it_alive() {
    let report = run(&AN_OUTAGE, "two-probes");

    assert_eq!(statuses(&report), [200, 204, 503, 503, 200, 204, 200, 204, 503]);
    report.assert_holds();
}

#[tokio::test(start_paused = true)]
async fn a_database_that_says_nothing_makes_the_replica_unready_after_a_second() {
    let database = Database::default();
    database.set_line(Line::Silent);
    let began = Instant::now();

    let request = Request::get("/health/ready").body(Body::empty()).unwrap();
    let answer = right::with(database).oneshot(request).await.unwrap();

    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}
