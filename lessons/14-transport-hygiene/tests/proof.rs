//! Proves lesson 14: every variant lets people in; what is written down, what a browser is told and who is locked out differs.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, header},
    routing::get,
};
use lab::{Controls, Experiment, Probes, Report, Run, Side, Variant};
use tower::ServiceExt as _;
use tower_http::cors::CorsLayer;
use transport_hygiene::{
    LESSON, PREFLIGHT, SHOP_ORIGIN, SIX_GUESSES, THE_ACCESS_LOG, TWENTY_GUESSES,
    right::{self, FREE, LOCKED, MOST_NAMES, Throttle},
    wrong,
};

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).report()
}

fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

#[test]
fn every_way_to_log_in_opens_the_profile_and_every_throttle_refuses_a_wrong_password() {
    for variant in THE_ACCESS_LOG.variants {
        assert_eq!(statuses(&run(&THE_ACCESS_LOG, variant.name)), [200; 4], "{}", variant.name);
    }
    for variant in SIX_GUESSES.variants.iter().chain(TWENTY_GUESSES.variants) {
        let controls = SIX_GUESSES.controls([]).unwrap();
        let report = Run::of(&LESSON, &SIX_GUESSES, *variant, controls).report();
        assert_eq!(statuses(&report)[..6], [401, 401, 401, 401, 401, 429], "{}", variant.name);
    }
}

#[test]
fn an_address_takes_password_and_session_into_the_log() {
    let report = run(&THE_ACCESS_LOG, "query-string");

    let failed = report.verdict.findings.iter().filter(|finding| !finding.holds);
    assert_eq!(failed.map(|finding| finding.seen.as_str()).collect::<Vec<_>>(), ["1", "1"]);
}

#[test]
fn body_and_header_leave_no_secret_in_the_log() {
    let report = run(&THE_ACCESS_LOG, "body-and-header");

    // The lines are there, so what is missing in them is missing because nobody wrote it.
    assert_eq!(report.exchanges()[3].body[1], "POST /login 200");
    report.assert_holds();
}

#[test]
fn a_guard_around_cors_refuses_the_preflight() {
    let report = run(&PREFLIGHT, "auth-outside");

    assert_eq!(statuses(&report), [401, 200, 401]);
    assert!(!report.verdict.holds);
}

#[test]
fn cors_around_the_guard_answers_the_preflight() {
    let report = run(&PREFLIGHT, "cors-outermost");

    assert_eq!(statuses(&report), [200, 200, 401]);
    report.assert_holds();
}

async fn ask(app: Router, method: Method, origin: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri("/profile")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn allowed(response: &Response<Body>) -> Option<&str> {
    response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap())
}

fn probes() -> Probes {
    Probes::new(Controls::default())
}

#[tokio::test]
async fn a_named_origin_is_allowed_by_name_and_another_is_not_told_its_own() {
    for method in [Method::OPTIONS, Method::GET] {
        for origin in [SHOP_ORIGIN, "https://evil.example"] {
            let answer = ask(right::cors_outermost(probes()).await, method.clone(), origin).await;
            // The browser compares this with the page's own origin, so it stays the same for everybody.
            assert_eq!(allowed(&answer), Some(SHOP_ORIGIN), "{method} {origin}");
        }
    }
}

#[tokio::test]
async fn a_refusal_inside_of_cors_can_be_read_by_the_page_and_one_outside_cannot() {
    let inside = ask(right::cors_outermost(probes()).await, Method::GET, SHOP_ORIGIN).await;
    let outside = ask(wrong::auth_outside(probes()).await, Method::GET, SHOP_ORIGIN).await;

    assert_eq!((inside.status().as_u16(), outside.status().as_u16()), (401, 401));
    assert_eq!((allowed(&inside), allowed(&outside)), (Some(SHOP_ORIGIN), None));
}

#[tokio::test]
async fn a_mirrored_origin_lets_every_site_read_what_its_visitor_may() {
    let answer = ask(wrong::mirror_origin(probes()).await, Method::OPTIONS, "https://evil.example").await;

    assert_eq!(allowed(&answer), Some("https://evil.example"));
    assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
}

#[test]
#[should_panic(expected = "Invalid CORS configuration")]
fn any_origin_together_with_credentials_panics_when_the_layer_is_put_on() {
    let anybody = CorsLayer::permissive().allow_credentials(true);
    let _: Router = Router::new().route("/", get(|| async {})).layer(anybody);
}

#[test]
fn a_limit_for_each_connection_compares_all_passwords_of_twenty_connections() {
    let report = run(&TWENTY_GUESSES, "per-connection");

    assert_eq!(report.counter("passwords compared"), 20);
    assert!(!report.verdict.holds);
}

/// The same router, after its handlers were given their state: the layers are put on once and not for each connection.
const STATE_GIVEN: Variant = Variant {
    name: "state-given",
    side: Side::Wrong,
    says: "calls `with_state` before it serves",
    app: |probes| Box::pin(async { wrong::per_connection(probes).await.with_state(()) }),
};

#[test]
fn the_same_limit_behind_with_state_counts_for_all_connections_together() {
    let controls = TWENTY_GUESSES.controls([]).unwrap();
    let report = Run::of(&LESSON, &TWENTY_GUESSES, STATE_GIVEN, controls).report();

    assert_eq!(report.counter("passwords compared"), u64::from(FREE));
}

#[test]
fn a_count_for_each_account_compares_five_passwords_over_however_many_connections() {
    let report = run(&TWENTY_GUESSES, "per-account");

    assert_eq!(report.counter("passwords compared"), u64::from(FREE));
    report.assert_holds();
}

#[test]
fn one_count_for_all_locks_out_somebody_who_has_nothing_to_do_with_it() {
    assert_eq!(statuses(&run(&SIX_GUESSES, "one-for-all"))[5..], [429, 429]);

    let report = run(&SIX_GUESSES, "per-account");
    assert_eq!(statuses(&report)[5..], [429, 200]);
    report.assert_holds();
}

fn refused(throttle: &Throttle, account: &str) -> bool {
    throttle.attempt(account).is_err()
}

#[tokio::test(start_paused = true)]
async fn a_locked_account_is_free_again_after_a_minute_and_says_when() {
    let throttle = Throttle::default();
    for _ in 0..FREE {
        assert!(!refused(&throttle, "ada"));
    }
    assert_eq!(throttle.attempt("ada"), Err(LOCKED.as_secs() + 1));
    assert!(refused(&throttle, "Ada"), "another spelling is no other account");

    tokio::time::advance(LOCKED - Duration::from_secs(1)).await;
    assert_eq!(throttle.attempt("ada"), Err(2));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!refused(&throttle, "ada"));
}

#[tokio::test(start_paused = true)]
async fn the_right_password_forgets_the_failures_before_it() {
    let throttle = Throttle::default();
    for _ in 0..FREE {
        assert!(!refused(&throttle, "ada"));
    }
    throttle.succeeded("ada");
    assert!(!refused(&throttle, "ada"));
}

#[tokio::test(start_paused = true)]
async fn made_up_names_do_not_grow_the_table_and_push_out_the_oldest() {
    let throttle = Throttle::default();
    for _ in 0..=FREE {
        let _ = throttle.attempt("ada");
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    for number in 1..MOST_NAMES {
        assert!(!refused(&throttle, &format!("nobody-{number}")));
    }
    assert!(refused(&throttle, "ada"));

    assert!(!refused(&throttle, "one too many"));

    assert!(!refused(&throttle, "ada"), "the oldest of them is forgotten");
}
