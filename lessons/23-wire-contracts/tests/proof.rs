//! Proves lesson 23: every variant makes, reads and renames a user; one of them shows and takes no more than it should.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query},
    http::{Request, StatusCode, header},
    routing::{any, post},
};
use lab::{Controls, Experiment, Probes, Report, Run};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wire_contracts::{
    A_PROFILE, LESSON, MIB_IN_MEMORY, UPLOAD_LIMIT, UPLOADS, leaks,
    right::{self, UpdateUser},
    wrong,
};

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn profile(variant: &str) -> Report {
    run(&A_PROFILE, variant, &[])
}

fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

fn leaking(report: &Report) -> Vec<usize> {
    let shown = report.exchanges().iter().enumerate().filter(|(_, e)| matches!(e.status, Some(200 | 201)));
    shown.filter(|(_, exchange)| leaks(&exchange.body)).map(|(step, _)| step).collect()
}

#[test]
fn every_variant_makes_reads_and_renames_a_user() {
    for variant in A_PROFILE.variants {
        let report = profile(variant.name);
        let seen = statuses(&report);
        assert_eq!([seen[0], seen[1], seen[3]], [201, 200, 200], "{}", variant.name);
        assert_eq!(report.exchanges()[3].body["name"], "Ada L.", "{}", variant.name);
        assert_eq!(report.exchanges()[3].body["bio"], "Counts.", "{}", variant.name);
    }
}

#[test]
fn one_struct_for_all_shows_the_hash_in_every_answer_and_takes_a_role_from_the_request() {
    let report = profile("one-struct");

    // Sign-up, profile, Mallory, name, bio, misspelled, no number, list.
    assert_eq!(statuses(&report), [201, 200, 201, 200, 200, 200, 422, 200]);
    assert_eq!(leaking(&report), [0, 1, 2, 3, 4, 5, 7]);
    assert_eq!(report.exchanges()[7].body[1]["role"], "admin");
    assert!(!report.verdict.holds);
}

#[test]
fn null_and_absent_are_one_none_so_a_bio_cannot_be_deleted() {
    let report = profile("one-struct");

    assert_eq!(report.exchanges()[4].body["bio"], "Counts.");
}

#[test]
fn a_response_type_on_two_routes_leaves_the_hash_on_the_others() {
    let report = profile("a-response-type");

    assert_eq!(leaking(&report), [3, 4, 5, 7]);
    assert!(!report.verdict.holds);
}

#[test]
fn an_untagged_enum_names_no_field_and_a_tagged_one_does() {
    let said = |variant| profile(variant).exchanges()[6].body.to_string();

    let untagged = said("one-struct");
    assert!(untagged.contains("did not match any variant") && !untagged.contains("number"), "{untagged}");
    let tagged = said("three-types");
    assert!(tagged.contains("missing field `number`"), "{tagged}");
}

#[test]
fn three_types_show_no_hash_take_no_role_and_tell_null_from_absent() {
    let report = profile("three-types");

    assert_eq!(statuses(&report), [201, 200, 422, 200, 200, 422, 422, 200]);
    assert_eq!(leaking(&report), [0; 0]);
    report.assert_holds();
}

#[test]
fn the_contract_of_a_profile_is_what_it_was() {
    let report = profile("three-types");

    insta::assert_json_snapshot!(report.exchanges()[1].body, @r#"
    {
      "bio": "Counts.",
      "contact": null,
      "id": 1,
      "name": "Ada",
      "role": "user"
    }
    "#);
}

#[test]
fn a_field_is_absent_null_or_there_and_all_three_arrive() {
    let parsed = |body: Value| serde_json::from_value::<UpdateUser>(body).unwrap().bio;

    assert_eq!(parsed(json!({})), None);
    assert_eq!(parsed(json!({ "bio": null })), Some(None));
    assert_eq!(parsed(json!({ "bio": "Counts." })), Some(Some("Counts.".to_owned())));
}

#[test]
fn a_name_cannot_be_null_and_no_field_may_be_unknown_at_any_depth() {
    let refused = |body: Value| serde_json::from_value::<UpdateUser>(body).unwrap_err().to_string();

    assert!(refused(json!({ "name": null })).contains("expected a string"));
    assert!(refused(json!({ "role": "admin" })).contains("unknown field `role`"));
    let contact = json!({ "by": "mail", "address": "ada@example.com", "number": "1" });
    assert!(refused(json!({ "contact": contact })).contains("unknown field `number`"));
}

#[test]
fn a_raw_body_is_taken_whole_without_a_limit_and_not_at_all_behind_one() {
    let asked = [("requests", 4), ("mib", 3)];

    let unlimited = run(&UPLOADS, "read-it-all", &asked);
    assert_eq!(unlimited.counter(MIB_IN_MEMORY), 12);
    assert!(!unlimited.verdict.holds);

    let limited = run(&UPLOADS, "limit", &asked);
    assert_eq!(limited.counter(MIB_IN_MEMORY), 0);
    limited.assert_holds();
}

/// The size of the chunks in which a body of unknown length comes, in bytes.
const CHUNK: usize = 16 * 1024;

/// Sends an upload through the router, with its length or in chunks that do not say how many will come.
async fn upload(router: Router, bytes: usize, announced: bool) -> StatusCode {
    let request = Request::put("/users/1/avatar");
    let request = if announced {
        request.header(header::CONTENT_LENGTH, bytes).body(Body::from(vec![0; bytes]))
    } else {
        let chunks = (0..bytes.div_ceil(CHUNK)).map(move |chunk| (bytes - chunk * CHUNK).min(CHUNK));
        let chunks = chunks.map(|size| Ok::<_, std::convert::Infallible>(Bytes::from(vec![0; size])));
        request.body(Body::from_stream(tokio_stream::iter(chunks)))
    };
    router.oneshot(request.unwrap()).await.unwrap().status()
}

#[tokio::test]
async fn a_limit_holds_for_a_body_that_says_its_length_and_for_one_that_does_not() {
    let probes = || Probes::new(Controls::default());
    for announced in [true, false] {
        let unlimited = upload(wrong::read_it_all(probes()).await, 3 << 20, announced).await;
        assert_eq!(unlimited, StatusCode::NO_CONTENT, "announced: {announced}");

        let sound = upload(right::limited(probes()).await, UPLOAD_LIMIT, announced).await;
        assert_eq!(sound, StatusCode::NO_CONTENT, "announced: {announced}");
        let large = upload(right::limited(probes()).await, UPLOAD_LIMIT + 1, announced).await;
        assert_eq!(large, StatusCode::PAYLOAD_TOO_LARGE, "announced: {announced}");
    }
}

#[derive(Debug, Deserialize)]
struct Point {
    #[expect(dead_code, reason = "only whether it can be read matters")]
    x: i64,
}

#[tokio::test]
async fn axum_answers_400_413_415_and_422_to_bodies_and_400_to_queries_and_paths() {
    let router = Router::new()
        .route("/body", post(async |_: Json<Point>| ()))
        .route("/query", any(async |_: Query<Point>| ()))
        .route("/path/{x}", any(async |_: Path<i64>| ()));
    let json = "application/json";
    let long = format!("{{\"x\": 1, \"y\": \"{}\"}}", "a".repeat(2 << 20));
    let table = [
        ("/body", json, r#"{"x": 1}"#, 200),
        ("/body", json, r#"{"x": 1"#, 400),
        ("/body", json, r#"{"x": "1"}"#, 422),
        ("/body", json, "{}", 422),
        ("/body", json, r#"{"x": 1, "y": 2}"#, 200),
        ("/body", "text/plain", r#"{"x": 1}"#, 415),
        ("/body", json, &long, 413),
        ("/query?x=a", json, "", 400),
        ("/path/a", json, "", 400),
    ];
    for (path, content_type, body, expected) in table {
        let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let status = router.clone().oneshot(request).await.unwrap().status();
        assert_eq!(status, expected, "{path} {content_type} {}", &body[..body.len().min(30)]);
    }
}

#[test]
fn a_whole_number_above_two_to_the_53_changes_in_a_client_that_reads_numbers_as_doubles() {
    let id = (1_u64 << 53) + 1;

    let sent = serde_json::to_string(&id).unwrap();
    assert_eq!(serde_json::from_str::<u64>(&sent).unwrap(), id);
    let read: f64 = serde_json::from_str(&sent).unwrap();
    assert_eq!(format!("{read:.0}"), "9007199254740992");
    // As text it arrives.
    let text: String = serde_json::from_value(json!(id.to_string())).unwrap();
    assert_eq!(text.parse(), Ok(id));
}
