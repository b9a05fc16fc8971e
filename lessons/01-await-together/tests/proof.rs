//! Proves lesson 01: the wrong ways answer rightly, wait in turn, and leave calls behind; the right ways do not.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use await_together::{CUSTOMER_DOWN, LESSON, Mood, OFFERS_DOWN, ONE_DASHBOARD, Services, right, wrong};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use lab::{Experiment, Probes, Report, Run};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};
use tower::ServiceExt;

type Way = (&'static str, fn(Services) -> Router);

const EVERY_WAY: [Way; 7] = [
    ("in-turn", wrong::in_turn),
    ("futures-first", wrong::futures_first),
    ("spawned", wrong::spawned),
    ("all-or-nothing", wrong::all_or_nothing),
    ("try-join", right::try_join),
    ("abort-on-drop", right::abort_on_drop),
    ("partial", right::partial),
];

/// Probes for services that take 100 ms for each call.
fn probes() -> Probes {
    Probes::new(ONE_DASHBOARD.controls([("hold_ms", 100)]).unwrap())
}

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let hold = experiment.controls.iter().map(|control| (control.name, 2));
    let controls = experiment.controls(hold).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

async fn dashboard(app: Router) -> (StatusCode, Value) {
    let answer = app.oneshot(Request::get("/dashboard").body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_is_the_same_in_every_way_when_all_services_are_well() {
    for (name, build) in EVERY_WAY {
        let answer = dashboard(build(Services::new(&probes()))).await;

        let expected = json!({ "customer": "Ada", "orders": 3, "offers": ["tea", "cups"] });
        assert_eq!(answer, (StatusCode::OK, expected), "{name}");
    }
}

/// Time is virtual here: it stands still while anything can run, and jumps to the next timer when nothing can.
#[tokio::test(start_paused = true)]
async fn three_calls_of_100_ms_take_300_ms_in_turn_and_100_ms_together() {
    let expected = [300, 300, 100, 100, 100, 100, 100].map(Duration::from_millis);
    for ((name, build), expected) in EVERY_WAY.into_iter().zip(expected) {
        let app = build(Services::new(&probes()));
        let began = Instant::now();

        dashboard(app).await;

        assert_eq!(began.elapsed(), expected, "{name}");
    }
}

#[test]
fn calls_that_are_awaited_in_turn_are_never_under_way_together() {
    for variant in ["in-turn", "futures-first"] {
        let report = run(&ONE_DASHBOARD, variant);

        assert_eq!(report.gauge("calls at once"), 1, "{variant}");
        assert_eq!(report.counter("calls made"), 3, "{variant}");
        assert!(!report.verdict.holds, "{variant}");
    }
}

#[test]
fn calls_that_are_joined_or_spawned_are_under_way_together() {
    for variant in ["try-join", "abort-on-drop"] {
        let report = run(&ONE_DASHBOARD, variant);

        assert_eq!(report.gauge("calls at once"), 3, "{variant}");
        assert_eq!(report.counter("calls made"), 3, "{variant}");
        report.assert_holds();
    }
}

#[test]
fn three_refused_dashboards_leave_six_calls_running_because_a_dropped_handle_detaches_its_task() {
    let report = run(&CUSTOMER_DOWN, "spawned");

    assert_eq!(report.exchanges()[3].body, json!(6));
    assert!(!report.verdict.holds);
}

#[test]
fn three_refused_dashboards_leave_nothing_running_where_the_calls_end_with_their_handler() {
    for variant in ["try-join", "abort-on-drop"] {
        let report = run(&CUSTOMER_DOWN, variant);

        assert_eq!(report.counter("calls made"), 9, "{variant}");
        assert_eq!(report.exchanges()[3].body, json!(0), "{variant}");
        report.assert_holds();
    }
}

#[test]
fn one_optional_service_that_refuses_takes_the_page_along_unless_its_branch_cannot_fail() {
    let all_or_nothing = run(&OFFERS_DOWN, "all-or-nothing");
    assert_eq!(all_or_nothing.exchanges()[0].status, Some(502));
    assert!(!all_or_nothing.verdict.holds);

    run(&OFFERS_DOWN, "partial").assert_holds();
}

#[tokio::test]
async fn a_future_that_is_made_and_not_polled_has_made_no_call() {
    let probes = probes();
    let services = Services::new(&probes);

    let future = services.customer();

    assert_eq!(probes.counter("calls made").total(), 0);
    drop(future);
}

#[tokio::test]
async fn branches_of_join_share_one_task_and_so_one_thread_at_a_time() {
    let task = async || tokio::task::id();

    let (joined, spawned) = tokio::spawn(async move {
        let joined = tokio::join!(task(), task());
        (joined, tokio::spawn(task()).await.unwrap())
    })
    .await
    .unwrap();

    assert_eq!(joined.0, joined.1);
    assert_ne!(joined.0, spawned);
}

/// Two that wait for each other without awaiting: only threads of their own let both pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_tasks_run_in_parallel_on_two_workers() {
    let barrier = Arc::new(Barrier::new(2));
    let meet = |barrier: Arc<Barrier>| async move { barrier.wait().is_leader() };

    let (one, other) =
        tokio::try_join!(tokio::spawn(meet(barrier.clone())), tokio::spawn(meet(barrier))).unwrap();

    assert!(one ^ other, "exactly one of the two came last");
}

#[tokio::test(start_paused = true)]
async fn a_join_set_yields_in_the_order_of_the_answers_and_keeps_a_panic_to_its_task() {
    let mut set = JoinSet::new();
    set.spawn(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        "slow"
    });
    set.spawn(async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        "fast"
    });
    set.spawn(async { panic!("a fault in one of three") });

    let mut ended = Vec::new();
    while let Some(answer) = set.join_next().await {
        ended.push(answer.unwrap_or("panicked"));
    }

    assert_eq!(ended, ["panicked", "fast", "slow"]);
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_refuses_costs_only_its_own_offers() {
    let shop = |mood| Services::with(&probes(), Mood::Answers, Mood::Answers, mood);

    let offers =
        right::offers_of_all(vec![shop(Mood::Answers), shop(Mood::Refuses), shop(Mood::Answers)]).await;

    assert_eq!(offers, ["tea", "cups", "tea", "cups"]);
}

#[tokio::test]
async fn a_dropped_join_set_ends_what_still_runs_in_it() {
    let services = Services::with(&probes(), Mood::Hangs, Mood::Hangs, Mood::Hangs);
    let asked = tokio::spawn(right::offers_of_all(vec![services.clone(), services.clone()]));
    while services.under_way() < 2 {
        tokio::task::yield_now().await;
    }

    asked.abort();

    while services.under_way() > 0 {
        tokio::task::yield_now().await;
    }
}
