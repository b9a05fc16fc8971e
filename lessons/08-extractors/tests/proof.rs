//! Proves lesson 08: what is open, how often the user is looked up, and who is told about a bad body.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{Request, StatusCode},
    routing::get,
};
use extractors::{A_LATE_ROUTE, A_STRANGERS_BODY, BEN, Directory, LESSON, WHO_IS_IT, right};
use lab::{Controls, Experiment, Observed, Probes, Report, Run, assert_refused};
use tower::ServiceExt as _;

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

#[test]
fn whoever_has_a_session_is_served_by_every_variant() {
    for experiment in [&A_LATE_ROUTE, &A_STRANGERS_BODY] {
        for variant in experiment.variants {
            let report = run(experiment, variant.name, &[]);
            assert!([200, 201].contains(&statuses(&report)[0]), "{} {report:?}", variant.name);
        }
    }
    for variant in WHO_IS_IT.variants {
        let report = run(&WHO_IS_IT, variant.name, &[("requests", 1)]);
        assert_eq!(report.observed, Observed::Count { sent: 1, succeeded: 1 }, "{}", variant.name);
    }
}

#[test]
fn a_stranger_is_refused_by_every_variant_at_the_route_that_has_a_test() {
    for variant in A_LATE_ROUTE.variants {
        assert_eq!(statuses(&run(&A_LATE_ROUTE, variant.name, &[]))[3], 401, "{}", variant.name);
    }
    for variant in A_STRANGERS_BODY.variants {
        assert_eq!(statuses(&run(&A_STRANGERS_BODY, variant.name, &[]))[1], 401, "{}", variant.name);
    }
}

#[test]
fn a_route_that_nobody_closed_is_open_to_a_stranger() {
    for variant in ["below-the-layer", "user-not-mentioned"] {
        let report = run(&A_LATE_ROUTE, variant, &[]);

        assert_eq!(statuses(&report), [200, 200, 200, 401, 200, 404], "{variant}");
        assert!(!report.verdict.holds, "{variant}");
    }
}

#[test]
fn a_guard_around_all_routes_that_are_not_named_as_open_refuses_a_stranger_at_a_new_one() {
    let report = run(&A_LATE_ROUTE, "default-deny", &[]);

    assert_eq!(statuses(&report), [200, 200, 200, 401, 401, 404]);
    report.assert_holds();
}

#[test]
fn two_extractors_that_need_the_user_look_it_up_twice() {
    let report = run(&WHO_IS_IT, "each-looks-up", &[]);

    assert_eq!(report.counter(Directory::LOOKUPS), 20);
    assert!(!report.verdict.holds);
}

#[test]
fn a_user_that_is_kept_with_the_request_is_looked_up_once() {
    let report = run(&WHO_IS_IT, "kept-with-the-request", &[]);

    assert_eq!(report.counter(Directory::LOOKUPS), 10);
    report.assert_holds();
}

#[test]
fn a_guard_and_the_handler_behind_it_share_one_lookup() {
    // Of the six requests two come with a session and go through the guard; `/orders` takes the user as well.
    assert_eq!(run(&A_LATE_ROUTE, "default-deny", &[]).counter(Directory::LOOKUPS), 2);
}

#[test]
fn a_body_that_is_read_before_the_user_is_known_is_explained_to_a_stranger() {
    let report = run(&A_STRANGERS_BODY, "checked-in-the-handler", &[]);

    assert_eq!(statuses(&report), [201, 401, 422, 422]);
    let said = report.exchanges()[2].body.as_str().unwrap();
    assert!(said.contains("item") && said.contains("expected a string"), "{said}");
    assert!(!report.verdict.holds);
}

#[test]
fn a_user_that_is_asked_for_first_keeps_the_body_from_being_read() {
    let report = run(&A_STRANGERS_BODY, "user-first", &[]);

    assert_eq!(statuses(&report), [201, 401, 401, 422]);
    report.assert_holds();
}

#[test]
fn a_body_that_is_not_the_last_argument_is_refused_by_the_compiler() {
    for name in ["body_first", "body_first_explained"] {
        assert_refused(env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_NAME"), name);
    }
}

async fn status(app: &Router, path: &str, token: &str) -> StatusCode {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

#[tokio::test]
async fn extractors_run_from_left_to_right_so_the_first_one_decides_who_learns_what() {
    let app = Router::new()
        .route("/user-first/{id}", get(async |_: right::User, _: Path<u32>| ()))
        .route("/path-first/{id}", get(async |_: Path<u32>, _: right::User| ()))
        .with_state(Directory::new(&Probes::new(Controls::default())));

    assert_eq!(status(&app, "/user-first/seven", "nobody").await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&app, "/path-first/seven", "nobody").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_user_who_is_known_and_may_not_is_told_so() {
    let app = right::kept_with_the_request(Probes::new(Controls::default())).await;

    assert_eq!(status(&app, "/report", BEN.token).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&app, "/report", "nobody").await, StatusCode::UNAUTHORIZED);
}
