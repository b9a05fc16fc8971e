//! Proves lesson 21: dropped in the middle, the wrong ways lose money, bytes or a thread; the right ways are whole.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
    routing::get,
};
use lab::{Controls, Ended, Experiment, Probes, Report, Run, Server};
use serde_json::json;
use timeouts_and_cancellation::{
    A_FEED_IN_HALVES, A_JOB_WITHOUT_A_CALLER, A_SILENT_SERVICE, A_TRANSFER_CUT_OFF, Balances, DEADLINE,
    LESSON, Mood, Office, Prices, right, wrong,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::oneshot, time::Instant};
use tower::ServiceExt;
use tower_http::timeout::TimeoutLayer;

type Transferring = (&'static str, fn(Office) -> Router);

const EVERY_TRANSFER: [Transferring; 4] = [
    ("step-by-step", wrong::step_by_step),
    ("give-back-on-error", wrong::give_back_on_error),
    ("transaction", right::transaction),
    ("own-task", right::own_task),
];

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).report()
}

fn office(mood: Mood) -> Office {
    Office::opened(&Probes::new(Controls::default()), mood)
}

async fn ask(app: Router, request: Request<Body>) -> Response {
    app.oneshot(request).await.unwrap()
}

fn transfer(amount: u64) -> Request<Body> {
    Request::post("/transfers")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "amount": amount }).to_string()))
        .unwrap()
}

fn quote() -> Request<Body> {
    Request::get("/quote").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_way_moves_the_money_when_everybody_is_prompt() {
    for (name, build) in EVERY_TRANSFER {
        let office = office(Mood::Agrees);

        assert_eq!(ask(build(office.clone()), transfer(10)).await.status(), StatusCode::OK, "{name}");
        assert_eq!(office.bank.balances(), Balances { ada: 90, bob: 10 }, "{name}");
        assert_eq!(ask(build(office.clone()), transfer(91)).await.status(), StatusCode::CONFLICT, "{name}");
        assert_eq!(office.bank.balances(), Balances { ada: 90, bob: 10 }, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_loses_money_only_where_nobody_looks_at_it() {
    for (name, build) in EVERY_TRANSFER {
        let office = office(Mood::Refuses);

        assert_eq!(ask(build(office.clone()), transfer(10)).await.status(), StatusCode::FORBIDDEN, "{name}");

        let lost = if name == "step-by-step" { 10 } else { 0 };
        assert_eq!(office.bank.balances().total(), 100 - lost, "{name}");
    }
}

#[test]
fn a_transfer_cut_off_at_the_auditor_has_debited_and_will_never_credit() {
    for variant in ["step-by-step", "give-back-on-error"] {
        let report = run(&A_TRANSFER_CUT_OFF, variant, &[]);

        assert_eq!(report.exchanges()[0].status, Some(504), "{variant}");
        assert_eq!(report.exchanges()[2].body, json!({ "ada": 90, "bob": 0 }), "{variant}");
        assert!(!report.verdict.holds, "{variant}");
    }
}

#[test]
fn a_transfer_cut_off_is_not_begun_in_a_transaction_and_finished_in_a_task_of_its_own() {
    for (variant, left) in
        [("transaction", json!({ "ada": 100, "bob": 0 })), ("own-task", json!({ "ada": 90, "bob": 10 }))]
    {
        let report = run(&A_TRANSFER_CUT_OFF, variant, &[]);

        assert_eq!(report.exchanges()[2].body, left, "{variant}");
        report.assert_holds();
    }
}

/// Polls a request a number of times and drops it there; `None` if it was finished before.
async fn dropped_after(polls: usize, app: Router) -> Option<()> {
    let mut request = pin!(app.oneshot(transfer(10)));
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await;
        if polled.is_ready() {
            return None;
        }
        // Whatever the future has handed to others goes on between two polls.
        tokio::task::yield_now().await;
    }
    Some(())
}

/// Every balance that a dropped transfer leaves behind, over all points at which it can be dropped.
async fn left_behind(build: fn(Office) -> Router) -> Vec<Balances> {
    let mut seen = Vec::new();
    for polls in 0.. {
        let office = office(Mood::AgreesAtOnce);
        let dropped = dropped_after(polls, build(office.clone())).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        if !seen.contains(&office.bank.balances()) {
            seen.push(office.bank.balances());
        }
        if dropped.is_none() {
            break;
        }
    }
    seen
}

#[tokio::test]
async fn a_transfer_dropped_at_any_of_its_awaits_is_whole_only_in_the_right_ways() {
    let (before, after) = (Balances { ada: 100, bob: 0 }, Balances { ada: 90, bob: 10 });
    let half_done = Balances { ada: 90, bob: 0 };

    assert_eq!(left_behind(wrong::step_by_step).await, [before, half_done, after]);
    assert_eq!(left_behind(wrong::give_back_on_error).await, [before, half_done, after]);
    assert_eq!(left_behind(right::transaction).await, [before, after]);
    assert_eq!(left_behind(right::own_task).await, [before, after]);
}

/// Time is virtual here: it jumps to the next timer when nothing else can run.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_silent_for_an_hour_holds_a_request_for_an_hour_without_a_deadline() {
    type Quoting = (fn(Prices) -> Router, StatusCode, Duration);
    let hour = Duration::from_secs(3_600);
    let ways: [Quoting; 4] = [
        (wrong::no_timeout, StatusCode::OK, hour),
        (wrong::timeout_per_try, StatusCode::GATEWAY_TIMEOUT, 3 * DEADLINE),
        (right::layer, StatusCode::GATEWAY_TIMEOUT, DEADLINE),
        (right::deadline, StatusCode::GATEWAY_TIMEOUT, DEADLINE),
    ];
    for (build, status, took) in ways {
        let app = build(Prices::silent_for(hour, &Probes::new(Controls::default())));
        let began = Instant::now();

        assert_eq!(ask(app, quote()).await.status(), status);
        // A timer of tokio's fires up to a millisecond late, in virtual time as well.
        assert!((took..took + Duration::from_millis(5)).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_price_that_comes_in_time_is_answered_by_every_way() {
    for build in [wrong::no_timeout, wrong::timeout_per_try, right::layer, right::deadline] {
        let app = build(Prices::silent_for(DEADLINE / 2, &Probes::new(Controls::default())));

        assert_eq!(ask(app, quote()).await.status(), StatusCode::OK);
    }
}

#[test]
fn a_request_without_a_deadline_takes_as_long_as_the_other_side_likes() {
    let report = run(&A_SILENT_SERVICE, "no-timeout", &[("silence_ms", 200)]);

    assert_eq!(report.ended, Ended::Whole);
    assert!(!report.verdict.holds);
}

#[test]
fn three_tries_with_a_timeout_each_are_waited_for_in_turn() {
    let report = run(&A_SILENT_SERVICE, "timeout-per-try", &[("silence_ms", 8_000)]);

    assert_eq!(report.counter("calls to the price service"), 3);
    assert!(!report.verdict.holds);
}

#[test]
fn a_request_with_one_deadline_answers_504_after_one_call() {
    for variant in ["layer", "deadline"] {
        run(&A_SILENT_SERVICE, variant, &[("silence_ms", 8_000)]).assert_holds();
    }
}

#[test]
fn a_read_exact_that_loses_a_select_loses_the_bytes_that_it_had_read() {
    let report = run(&A_FEED_IN_HALVES, "read-exact-in-select", &[]);

    let read = (report.counter("frames read whole"), report.counter("frames read garbled"));
    assert_eq!(report.counter("frames sent"), 20);
    assert_eq!(read, (0, 19), "after the first loss every half is taken for one of the next frame");
    assert!(!report.verdict.holds);
}

#[test]
fn a_read_that_keeps_its_bytes_outside_or_is_never_dropped_loses_no_frame() {
    for variant in ["read-buf-in-select", "reader-task"] {
        let report = run(&A_FEED_IN_HALVES, variant, &[]);

        assert_eq!(report.counter("frames read whole"), 20, "{variant}");
        report.assert_holds();
    }
}

#[test]
fn a_blocking_job_goes_on_after_the_timeout_has_answered_for_it() {
    let report = run(&A_JOB_WITHOUT_A_CALLER, "never-looks", &[]);

    assert_eq!(report.exchanges()[0].status, Some(504));
    assert_eq!(report.counter("rows written after the answer"), 3);
    assert!(!report.verdict.holds);
}

#[test]
fn a_blocking_job_that_looks_up_ends_with_the_row_that_was_on_its_way() {
    let report = run(&A_JOB_WITHOUT_A_CALLER, "looks-up", &[]);

    assert!(report.counter("rows written after the answer") <= 1);
    report.assert_holds();
}

#[tokio::test]
async fn a_client_that_hangs_up_drops_the_handler_at_its_await() {
    let (begin, has_begun) = oneshot::channel();
    let (dropped, was_dropped) = oneshot::channel::<()>();
    let both = Arc::new(std::sync::Mutex::new(Some((begin, dropped))));
    let handler = move || async move {
        // The second one is dropped, not sent: its receiver sees the end of the handler.
        let (begin, _dropped) = both.lock().unwrap().take().unwrap();
        begin.send(()).unwrap();
        std::future::pending::<()>().await;
    };
    let (probes, with_handler) =
        (Probes::new(Controls::default()), |router: Router| router.route("/", get(handler)));
    let server =
        Server::start(|_| Box::pin(async { Router::new() }), probes, 1, None, with_handler).await.unwrap();
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: lab\r\n\r\n").await.unwrap();
    has_begun.await.unwrap();

    drop(client);

    assert!(was_dropped.await.is_err());
}

#[tokio::test]
async fn a_timeout_layer_drops_the_handler_with_all_that_it_holds() {
    let (dropped, was_dropped) = oneshot::channel::<()>();
    let dropped = Arc::new(std::sync::Mutex::new(Some(dropped)));
    let handler = move || async move {
        // Dropped, not sent: the receiver sees the end of the sender.
        let _held = dropped.lock().unwrap().take();
        std::future::pending::<()>().await;
    };
    let deadline = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(1));
    let app = Router::new().route("/quote", get(handler)).layer(deadline);

    assert_eq!(ask(app, quote()).await.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(was_dropped.await.is_err());
}
