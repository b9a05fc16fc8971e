//! Proves lesson 16: every variant writes and reads a note; one of them knows what to say when something fails.
//!
//! The panics in the output of this test are the ones that the lesson is about.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{
    io,
    sync::{Mutex, Once},
};

use errors_and_panics::{AFTER_A_PANIC, LESSON, WHAT_A_CLIENT_SEES};
use lab::{Experiment, Report, Run};

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn answers(variant: &str) -> Report {
    run(&WHAT_A_CLIENT_SEES, variant)
}

/// 0 stands for a connection that was closed without an answer.
fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap_or(0)).collect()
}

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct ToLines;

impl io::Write for ToLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the log of the whole process: the service logs on threads of its own.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| ToLines).init());
}

fn log() -> String {
    String::from_utf8(LINES.lock().unwrap().clone()).unwrap()
}

#[test]
fn every_variant_writes_a_note_and_reads_it() {
    for variant in WHAT_A_CLIENT_SEES.variants {
        let seen = statuses(&answers(variant.name));
        assert!(matches!(seen[..2], [200 | 201, 200]), "{}: {seen:?}", variant.name);
    }
    for variant in AFTER_A_PANIC.variants {
        assert_eq!(statuses(&run(&AFTER_A_PANIC, variant.name))[..3], [201, 201, 200], "{}", variant.name);
    }
}

#[test]
fn an_unwrap_answers_four_of_seven_failures_by_closing_the_connection() {
    let report = answers("unwrap");

    // Taken, absent, no number, wrong type, no route, database, (written), panic.
    assert_eq!(statuses(&report)[2..], [0, 0, 400, 422, 404, 0, 201, 0]);
    let said = report.exchanges()[2].body.as_str().unwrap();
    assert_eq!(said, "the connection was closed before an answer came");
    assert!(!report.verdict.holds);
}

#[test]
fn the_text_of_an_error_tells_the_client_about_tables_and_columns_and_calls_its_faults_ours() {
    let report = answers("text-of-the-database");

    assert_eq!(statuses(&report)[2..], [500, 500, 400, 422, 404, 500, 201, 0]);
    let taken = report.exchanges()[2].body.as_str().unwrap();
    assert!(taken.contains("UNIQUE constraint failed: notes.title"), "{taken}");
    let archive = report.exchanges()[7].body.as_str().unwrap();
    assert!(archive.contains("no such table: archived_notes"), "{archive}");
    assert!(!report.verdict.holds);
}

#[test]
fn a_status_of_200_hides_three_failures_from_everybody_who_reads_statuses() {
    let report = answers("always-200");

    assert_eq!(statuses(&report)[2..], [200, 200, 400, 422, 404, 200, 200, 0]);
    assert!(!report.verdict.holds);
}

#[test]
fn one_error_type_says_in_seven_answers_what_the_client_can_do_and_nothing_of_our_insides() {
    let report = answers("one-error-type");

    assert_eq!(statuses(&report)[2..], [409, 404, 400, 422, 404, 500, 201, 500]);
    report.assert_holds();
}

#[test]
fn the_cause_of_a_server_error_is_in_the_log_once_with_the_id_that_the_client_has() {
    listen();
    let report = answers("one-error-type");

    for (step, cause) in [(7, "no such table: archived_notes"), (9, "is not a char boundary")] {
        let incident = report.exchanges()[step].body["incident"].as_str().unwrap();
        let log = log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains(incident)).collect();
        assert_eq!(lines.len(), 1, "{incident}\n{log}");
        assert!(lines[0].contains(cause) && lines[0].contains("ERROR"), "{}", lines[0]);
    }
}

#[test]
fn no_two_failures_share_an_id() {
    let report = answers("one-error-type");

    let ids: std::collections::BTreeSet<_> =
        report.exchanges().iter().filter_map(|exchange| exchange.body["incident"].as_str()).collect();
    assert_eq!(ids.len(), 7);
}

#[test]
fn a_panic_inside_a_lock_fails_every_later_request_although_it_is_caught() {
    let report = run(&AFTER_A_PANIC, "panic-in-a-lock");

    assert_eq!(statuses(&report), [201, 201, 200, 500, 500, 500]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_panic_before_the_lock_costs_one_request() {
    let report = run(&AFTER_A_PANIC, "compute-then-lock");

    assert_eq!(statuses(&report), [201, 201, 200, 500, 200, 200]);
    report.assert_holds();
}
