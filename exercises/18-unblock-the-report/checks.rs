//! The checks of exercise 18. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, on a runtime with one worker thread.

use std::sync::LazyLock;

use blocking_the_runtime::{LESSON, LONG_LOOP, TEN_REPORTS, Warehouse};
use lab::{
    Control, Experiment, Finding, Plan, Probes, Report, Request, Rows, Run, Side, Step, Timeline, Transcript,
    Variant, shown_status,
};
use serde_json::{Value, json};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(async move { crate::app(Warehouse::new(&probes)) }),
};

/// Both requests alone, one after the other.
static ALONE: Experiment = Experiment {
    slug: "alone",
    title: "One at a time",
    watch: "Is the answer the one that the service gave before?",
    controls: &[Control::HOLD_MS.default_of(2)],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "asks for the report", request: |_| Request::get("/report") },
            Step { says: "asks for the export", request: |_| Request::get("/export") },
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

/// Ten exports at once: the lesson's loop, under the name that it has in this service.
static TEN_EXPORTS: Experiment = Experiment {
    plan: Plan::Timeline(Timeline {
        requests: |controls| vec![Request::get("/export"); controls.requests()],
    }),
    ..LONG_LOOP
};

// Two checks look at each of these runs.
static BOTH_ALONE: LazyLock<Report> = LazyLock::new(|| run(&ALONE).report());
static REPORTS_TOGETHER: LazyLock<Report> = LazyLock::new(|| run(&TEN_REPORTS).gated().report());

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Run {
    let controls = experiment.controls([("hold_ms", 2)]).expect("each of them has this control");
    Run::of(&LESSON, experiment, ANSWER, controls).judged()
}

#[test]
fn a_report_says_what_the_warehouse_says() {
    said_alone(0, "one report", &json!({ "orders": 42 }));
}

#[test]
fn an_export_adds_up_every_row() {
    let warehouse = Warehouse::new(&Probes::new(BOTH_ALONE.controls.clone()));
    let checksum = warehouse.rows().fold(0_u64, u64::wrapping_add);

    said_alone(1, "one export", &json!(checksum));
}

#[test]
fn ten_reports_overlap_and_a_heartbeat_passes() {
    REPORTS_TOGETHER.assert_holds();
}

#[test]
fn ten_reports_reach_the_warehouse_together() {
    REPORTS_TOGETHER.assert_holds();
    reached_the_warehouse_together(&REPORTS_TOGETHER);
}

#[test]
fn ten_exports_overlap_and_a_heartbeat_passes() {
    let report = run(&TEN_EXPORTS).gated().report();

    report.assert_holds();
    // A handler that waits once and then holds the thread overlaps too, and a heartbeat may slip in between.
    reached_the_warehouse_together(&report);
    let kept = report.counter(Rows::KEPT_THE_THREAD);
    Finding::new(
        "10 exports, sent together",
        "that let nobody else in after their last row",
        kept,
        0,
        kept == 0,
        "The exports share their thread at first and keep it then. The heartbeat has to get in all along.",
    )
    .assert_holds();
}

#[track_caller]
fn reached_the_warehouse_together(report: &Report) {
    let most = report.gauge("queries at the warehouse");
    Finding::new(
        "10 requests, sent together",
        "most at the warehouse at once",
        most,
        10,
        most == 10,
        "Each request asks the warehouse for itself, and the warehouse takes ten at once. Something lets fewer through.",
    )
    .assert_holds();
}

/// Looks at the answer to one request of [`ALONE`].
#[track_caller]
fn said_alone(step: usize, subject: &str, expected: &Value) {
    BOTH_ALONE.assert_holds();
    let exchange = &BOTH_ALONE.exchanges()[step];

    Finding::new(
        subject,
        "answer",
        format!("{} {}", shown_status(exchange.status), exchange.body),
        format!("200 {expected}"),
        exchange.status == Some(200) && exchange.body == *expected,
        "The service has to say what it said before; only how it waits may change.",
    )
    .assert_holds();
}
