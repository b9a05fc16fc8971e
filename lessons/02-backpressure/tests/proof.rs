//! Proves lesson 02: bounds that are counted in the wrong place do not hold, and a miss without single flight is a stampede.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{future::poll_fn, pin::Pin, task::Poll};

use axum::{
    Router,
    body::Body,
    error_handling::HandleErrorLayer,
    extract::State,
    http::{Request, StatusCode},
    response::Response,
    routing::get,
};
use backpressure::{A_COLD_KEY, LESSON, Rates, SEATS, Site, TEN_AT_THE_DOOR, TWO_CRAWLS, busy, right, wrong};
use http_body_util::BodyExt;
use lab::{AppFuture, Backend, Experiment, Observed, Probes, Report, Run, Side, Variant};
use tokio::task::JoinSet;
use tower::{BoxError, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer};

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).report()
}

/// How many requests of a timeline were answered with 200 and with 503.
#[track_caller]
fn served_and_refused(report: &Report) -> (usize, usize) {
    let Observed::Timeline { lanes, .. } = &report.observed else { panic!("not a timeline") };
    let with = |status| lanes.iter().filter(|lane| lane.status == Some(status)).count();
    (with(200), with(503))
}

/// Probes of two crawls or of so many requests as the test sends.
fn probes(experiment: &Experiment, asked: &[(&str, u64)]) -> Probes {
    Probes::new(experiment.controls(asked.iter().copied()).unwrap())
}

async fn send(app: Router, request: Request<Body>) -> Response {
    app.oneshot(request).await.unwrap()
}

fn crawl() -> Request<Body> {
    Request::post("/crawl").body(Body::empty()).unwrap()
}

fn rate(currency: &str) -> Request<Body> {
    Request::get(format!("/rates/{currency}")).body(Body::empty()).unwrap()
}

#[test]
fn one_request_alone_is_answered_alike_by_every_variant() {
    for experiment in LESSON.experiments {
        for variant in experiment.variants {
            let requests = if experiment.slug == A_COLD_KEY.slug { 2 } else { 1 };
            let mut asked = vec![("requests", requests)];
            // Eight pages are as many as the site serves at once: nobody has to hold back.
            asked.extend((experiment.slug == TWO_CRAWLS.slug).then_some(("pages", 8)));
            let report = run(experiment, variant.name, &asked);
            let answered = match &report.observed {
                Observed::Timeline { .. } => served_and_refused(&report).0 == 1,
                Observed::Count { sent, succeeded } => sent == succeeded,
                Observed::Transcript { .. } => false,
            };
            assert!(answered, "{} {}: {:?}", experiment.slug, variant.name, report.observed);
        }
    }
}

#[test]
fn a_limit_of_four_on_a_router_lets_ten_connections_in_because_each_has_a_limiter_of_its_own() {
    let report = run(&TEN_AT_THE_DOOR, "limit-per-connection", &[]);

    assert_eq!(served_and_refused(&report), (10, 0));
    assert_eq!(report.gauge("searches at once"), 10);
    assert!(!report.verdict.holds);
}

#[test]
fn a_limit_without_a_refusal_holds_and_lets_everybody_wait() {
    let report = run(&TEN_AT_THE_DOOR, "queue-without-end", &[]);

    assert_eq!(served_and_refused(&report), (10, 0));
    assert_eq!(report.gauge("searches at once"), 4);
    assert!(!report.verdict.holds);
}

#[test]
fn a_shared_limit_serves_four_of_ten_connections_and_refuses_six() {
    for variant in ["global-limit", "permit"] {
        let report = run(&TEN_AT_THE_DOOR, variant, &[]);

        assert_eq!(served_and_refused(&report), (4, 6), "{variant}");
        report.assert_holds();
    }
}

async fn search(State(engine): State<Backend>) {
    engine.call().await;
}

/// What becomes of ten connections to a service with the layers of the wrong way.
fn ten_connections(app: fn(Probes) -> AppFuture) -> (usize, usize) {
    let variant = Variant { name: "in this test", side: Side::Wrong, says: "a limit of 4", app };
    let controls = TEN_AT_THE_DOOR.controls([("hold_ms", 1)]).unwrap();
    served_and_refused(&Run::of(&LESSON, &TEN_AT_THE_DOOR, variant, controls).gated().report())
}

/// The layers of the wrong way. A macro, because their type cannot be named.
macro_rules! limit_of_four {
    () => {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(async |_: BoxError| busy()))
            .load_shed()
            .layer(ConcurrencyLimitLayer::new(SEATS))
    };
}

#[test]
fn the_same_limit_holds_on_a_router_that_was_given_a_state_and_not_on_one_that_never_was() {
    let without_state = ten_connections(|probes| {
        let engine = probes.backend("searches at once");
        let search = move || async move { engine.call().await };
        Box::pin(async move { Router::new().route("/search", get(search)).layer(limit_of_four!()) })
    });
    let state_after_the_layer = ten_connections(|probes| {
        let app = Router::new().route("/search", get(search)).layer(limit_of_four!());
        Box::pin(async move { app.with_state(probes.backend("searches at once")) })
    });
    let state_before_the_layer = ten_connections(|probes| {
        let app = Router::new().route("/search", get(search));
        Box::pin(async move { app.with_state(probes.backend("searches at once")).layer(limit_of_four!()) })
    });

    assert_eq!(without_state, (10, 0));
    assert_eq!(state_after_the_layer, (4, 6));
    assert_eq!(state_before_the_layer, (4, 6));
}

/// So many crawls of 500 pages in virtual time, which stands still until all who can come are inside.
async fn most_at_once(build: fn(Site) -> Router, crawls: u64) -> (u64, Vec<StatusCode>) {
    let probes = probes(&TWO_CRAWLS, &[("requests", crawls), ("pages", 500)]);
    let site = Site::new(&probes);
    let app = site.behind_the_door(build(site.clone()));
    let mut sent: JoinSet<_> = (0..crawls).map(|_| send(app.clone(), crawl())).collect();
    let mut statuses = Vec::new();
    while let Some(answer) = sent.join_next().await {
        statuses.push(answer.unwrap().status());
    }
    (probes.gauge("calls at once").most(), statuses)
}

#[tokio::test(start_paused = true)]
async fn five_hundred_pages_are_five_hundred_calls_without_a_bound_and_eight_with_one() {
    assert_eq!(most_at_once(wrong::join_all, 1).await.0, 500);
    assert_eq!(most_at_once(wrong::bound_per_crawl, 1).await.0, 8);
    assert_eq!(most_at_once(right::shared_bound, 1).await.0, 8);
}

#[tokio::test(start_paused = true)]
async fn a_bound_for_each_crawl_is_a_bound_of_sixteen_for_two_crawls() {
    assert_eq!(most_at_once(wrong::bound_per_crawl, 2).await.0, 16);
    assert_eq!(most_at_once(right::shared_bound, 2).await, (8, vec![StatusCode::OK; 2]));
}

#[test]
fn two_crawls_without_a_shared_bound_bring_home_less_than_there_is() {
    for variant in ["join-all", "bound-per-crawl"] {
        let report = run(&TWO_CRAWLS, variant, &[]);

        assert!(report.gauge("calls at once") > 8, "{variant}");
        assert!(report.counter("pages fetched") < 1_000, "{variant}");
        assert!(!report.verdict.holds, "{variant}");
    }
}

#[test]
fn two_crawls_with_a_shared_bound_bring_home_every_page() {
    let report = run(&TWO_CRAWLS, "shared-bound", &[]);

    assert_eq!(report.counter("pages refused"), 0);
    report.assert_holds();
}

#[tokio::test(start_paused = true)]
async fn a_crawl_that_is_dropped_gives_its_places_back() {
    let site = Site::new(&probes(&TWO_CRAWLS, &[("requests", 1), ("pages", 100)]));
    let app = site.behind_the_door(right::shared_bound(site.clone()));
    let mut first = Box::pin(send(app.clone(), crawl()));
    poll_once(first.as_mut()).await;
    assert_eq!(site.at_once(), 8);

    drop(first);

    assert_eq!(site.at_once(), 0);
    let body = send(app, crawl()).await.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"fetched":100,"failed":0}"#);
}

#[test]
fn a_hundred_misses_load_a_hundred_times_when_everybody_looks_before_the_first_load_is_back() {
    let report = run(&A_COLD_KEY, "check-then-load", &[]);

    assert_eq!(report.counter("loads"), 100);
    assert!(!report.verdict.holds);
}

#[test]
fn one_lock_loads_each_key_once_and_lets_the_keys_wait_for_each_other() {
    let report = run(&A_COLD_KEY, "one-lock", &[]);

    assert_eq!((report.counter("loads"), report.gauge("loads at once")), (2, 1));
    assert!(!report.verdict.holds);
}

#[test]
fn a_cell_for_each_key_loads_each_key_once_and_both_at_the_same_time() {
    let report = run(&A_COLD_KEY, "cell-per-key", &[]);

    assert_eq!((report.counter("loads"), report.gauge("loads at once")), (2, 2));
    report.assert_holds();
}

#[tokio::test(start_paused = true)]
async fn a_load_that_fails_is_not_kept_and_everybody_who_waited_tries_in_turn() {
    let probes = probes(&A_COLD_KEY, &[("requests", 10)]);
    let rates = Rates::new(&probes).down();
    let app = right::cell_per_key(rates);

    let mut sent: JoinSet<_> = (0..10).map(|_| send(app.clone(), rate("eur"))).collect();
    while let Some(answer) = sent.join_next().await {
        assert_eq!(answer.unwrap().status(), StatusCode::BAD_GATEWAY);
    }

    assert_eq!(probes.counter("loads").total(), 10);
    assert_eq!(probes.gauge("loads at once").most(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_loader_that_is_dropped_hands_over_to_the_next_in_line() {
    let probes = probes(&A_COLD_KEY, &[("requests", 2)]);
    let app = right::cell_per_key(Rates::new(&probes));
    let mut loader = Box::pin(send(app.clone(), rate("eur")));
    let mut waiter = Box::pin(send(app, rate("eur")));
    poll_once(loader.as_mut()).await;
    poll_once(waiter.as_mut()).await;
    assert_eq!(probes.counter("loads").total(), 1);

    drop(loader);

    assert_eq!(waiter.await.status(), StatusCode::OK);
    assert_eq!(probes.counter("loads").total(), 2);
}

#[tokio::test]
async fn a_currency_that_does_not_exist_takes_no_place_in_the_cache_and_no_load() {
    let probes = probes(&A_COLD_KEY, &[]);
    for build in [wrong::check_then_load, wrong::one_lock, right::cell_per_key] {
        let answer = send(build(Rates::new(&probes)), rate("x")).await;

        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(probes.counter("loads").total(), 0);
    }
}

async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) {
    poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending(), "it has ended already");
        Poll::Ready(())
    })
    .await;
}
