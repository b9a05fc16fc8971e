//! Proves lesson 18: the wrong ways pass a functional test and queue under load; the right ways overlap.
//!
//! All runs are gated, so that no clock decides how many requests overlap.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use blocking_the_runtime::{LESSON, LONG_LOOP, TEN_REPORTS};
use lab::{Experiment, Lane, Observed, Report, Rows, Run};

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

#[track_caller]
fn timeline(report: &Report) -> (&[Lane], u64, u64) {
    match &report.observed {
        Observed::Timeline { lanes, most_in_flight, beats_meanwhile, .. } => {
            (lanes, *most_in_flight, *beats_meanwhile)
        }
        other => panic!("not a timeline: {other:?}"),
    }
}

#[test]
fn one_request_alone_is_answered_alike_by_every_variant() {
    for experiment in LESSON.experiments {
        for variant in experiment.variants {
            let report = run(experiment, variant.name, &[("requests", 1), ("hold_ms", 1)]);
            let (lanes, _, _) = timeline(&report);
            assert_eq!(lanes[0].status, Some(200), "{} {}", experiment.slug, variant.name);
        }
    }
}

#[test]
fn a_synchronous_driver_lets_one_request_in_at_a_time_and_no_heartbeat() {
    let report = run(&TEN_REPORTS, "sync-driver", &[("hold_ms", 5)]);

    let (lanes, most_in_flight, beats_meanwhile) = timeline(&report);
    assert!(lanes.iter().all(|lane| lane.status == Some(200)), "{lanes:?}");
    assert_eq!(most_in_flight, 1);
    assert_eq!(beats_meanwhile, 0);
    assert!(!report.verdict.holds);
}

#[test]
fn more_workers_let_in_as_many_requests_as_there_are_workers() {
    for workers in 1..=3 {
        let report = run(&TEN_REPORTS, "sync-driver", &[("hold_ms", 5), ("workers", workers)]);

        let (_, most_in_flight, _) = timeline(&report);
        assert!(most_in_flight <= workers, "{most_in_flight} in flight on {workers} workers");
    }
}

#[test]
fn the_blocking_pool_and_the_async_driver_let_all_requests_in_and_answer_heartbeats() {
    for variant in ["spawn-blocking", "async-driver"] {
        let report = run(&TEN_REPORTS, variant, &[("hold_ms", 5)]);

        let (_, most_in_flight, beats_meanwhile) = timeline(&report);
        assert_eq!(most_in_flight, 10, "{variant}");
        assert!(beats_meanwhile > 0, "{variant}");
        assert_eq!(report.gauge("queries at the warehouse"), 10, "{variant}");
        report.assert_holds();
    }
}

#[test]
fn a_loop_without_an_await_lets_no_heartbeat_through() {
    let report = run(&LONG_LOOP, "no-await", &[("hold_ms", 2)]);

    let (_, most_in_flight, beats_meanwhile) = timeline(&report);
    assert_eq!((most_in_flight, beats_meanwhile), (1, 0));
    assert_eq!(report.counter(Rows::KEPT_THE_THREAD), 10);
    assert!(!report.verdict.holds);
}

#[test]
fn a_loop_that_yields_shares_its_thread_with_everybody() {
    let report = run(&LONG_LOOP, "yield-now", &[("hold_ms", 2)]);

    let (_, most_in_flight, beats_meanwhile) = timeline(&report);
    assert_eq!(most_in_flight, 10);
    assert!(beats_meanwhile > 0);
    assert_eq!(report.counter(Rows::KEPT_THE_THREAD), 0);
    report.assert_holds();
}
