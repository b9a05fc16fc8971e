//! The checks of exercise 07. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only. All requests are sent in one order, because an answer that keeps a clock in the process carries
//! it from one service into the next.

use std::sync::{Arc, LazyLock};

use a_seam_for_tests::clock::{Clock, Manual, System};
use axum::{
    Router,
    body::{self, Body},
    http::Request,
};
use lab::Finding;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A second in November 2023. What shows another time has another clock.
const NOON: u64 = 1_700_000_000;
const HOUR: u64 = 3600;

/// Status and body; no status if the request broke off.
type Said = (Option<u16>, Value);

/// What was seen, request by request.
struct Seen {
    today: [Said; 3],
    issued: Said,
    looks: [u64; 2],
    ends: [Said; 3],
    two_clocks: [Said; 2],
    set_back: Said,
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
static SEEN: LazyLock<Seen> = LazyLock::new(|| {
    let look = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(look());
    // A thread of its own: the caller may be inside a runtime.
    std::thread::scope(|scope| scope.spawn(look).join()).expect("every request is caught when it panics")
});

async fn look() -> Seen {
    // As in production: a clock that shows today.
    let (clock, app) = service(System.now());
    let today = [post(&app).await, get(&app, "v1").await, get(&app, "v2").await];
    drop(clock);

    let (clock, app) = service(NOON);
    let issued = post(&app).await;
    let after_issuing = clock.looks();
    let mut ends = Vec::new();
    for second in [NOON + HOUR - 1, NOON + HOUR, NOON + 24 * HOUR] {
        clock.set(second);
        ends.push(get(&app, "v1").await);
    }
    let looks = [after_issuing, clock.looks() - after_issuing];
    clock.set(NOON - 100);
    let set_back = get(&app, "v1").await;

    let (early, late) = (service(NOON), service(NOON + 7 * HOUR));
    let two_clocks = [post(&early.1).await, post(&late.1).await];
    let ends = ends.try_into().unwrap_or_default();
    Seen { today, issued, looks, ends, two_clocks, set_back }
}

fn service(now: u64) -> (Arc<Manual>, Router) {
    let clock = Arc::new(Manual::default());
    clock.set(now);
    (clock.clone(), crate::app(clock))
}

async fn post(app: &Router) -> Said {
    send(app, "POST", "/vouchers").await
}

async fn get(app: &Router, code: &str) -> Said {
    send(app, "GET", &format!("/vouchers/{code}")).await
}

async fn send(app: &Router, method: &str, path: &str) -> Said {
    let request = Request::builder().method(method).uri(path).body(Body::empty());
    let (app, request) = (app.clone(), request.unwrap_or_default());
    // A task of its own, so that a panic costs this request and not the checks.
    let Ok(Ok(answer)) = tokio::spawn(app.oneshot(request)).await else {
        return (None, json!("the request broke off"));
    };
    let status = answer.status().as_u16();
    let body = body::to_bytes(answer.into_body(), 1 << 16).await.unwrap_or_default();
    (Some(status), serde_json::from_slice(&body).unwrap_or_default())
}

#[track_caller]
fn said(subject: &str, (status, body): &Said, expected: (u16, Value), meaning: &str) {
    let seen = status.map_or_else(|| body.to_string(), |status| format!("{status} {body}"));
    let holds = *status == Some(expected.0) && *body == expected.1;
    Finding::new(subject, "answer", seen, format!("{} {}", expected.0, expected.1), holds, meaning)
        .assert_holds();
}

fn good_for(seconds: u64) -> (u16, Value) {
    (200, json!({ "valid": seconds > 0, "seconds_left": seconds }))
}

fn issued_at(now: u64) -> (u16, Value) {
    (201, json!({ "code": "v1", "issued_at": now, "expires_at": now + HOUR }))
}

#[test]
fn a_voucher_of_today_is_issued_and_looked_up() {
    let meaning = "The service has to go on answering as it did.";
    let [issued, found, unknown] = &SEEN.today;
    let seen = issued.0.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    Finding::new("a voucher", "status", seen, 201, issued.0 == Some(201), meaning).assert_holds();
    let valid = found.1["valid"].clone();
    Finding::new("a voucher just issued", "valid", &valid, true, valid == json!(true), meaning)
        .assert_holds();
    let seen = unknown.0.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    Finding::new("a code that nobody issued", "status", seen, 404, unknown.0 == Some(404), meaning)
        .assert_holds();
}

#[test]
fn the_time_in_an_answer_is_the_time_of_the_clock() {
    let meaning = "The clock of this service stands at 1700000000. The answer knows another time.";
    said("a voucher, issued at noon", &SEEN.issued, issued_at(NOON), meaning);
}

#[test]
fn a_voucher_ends_in_the_second_that_it_says() {
    let meaning =
        "A voucher is good before the second of `expires_at`, not in it, by the clock as it is now.";
    let [last, over, long_over] = &SEEN.ends;
    said("a second before its end", last, good_for(1), meaning);
    said("in the second of its end", over, good_for(0), meaning);
    said("a day later", long_over, good_for(0), meaning);
}

#[test]
fn a_request_looks_at_the_clock_once() {
    let meaning = "Two looks in one request may fall into two seconds, and the answer contradicts itself. None is no time at all.";
    let [issuing, looking_up] = SEEN.looks;
    Finding::new("1 voucher issued", "looks at the clock", issuing, 1, issuing == 1, meaning).assert_holds();
    Finding::new("3 vouchers looked up", "looks at the clock", looking_up, 3, looking_up == 3, meaning)
        .assert_holds();
}

#[test]
fn two_services_with_two_clocks_have_two_times() {
    let meaning = "The clock belongs to the service that was handed it, and not to the process.";
    let [early, late] = &SEEN.two_clocks;
    said("a service at noon", early, issued_at(NOON), meaning);
    said("one seven hours later", late, issued_at(NOON + 7 * HOUR), meaning);
}

#[test]
fn a_clock_that_is_set_back_breaks_nothing() {
    let meaning = "Clocks are set back, by a hand or by the network. Then the voucher is issued in the future, and good.";
    said("a hundred seconds before it was issued", &SEEN.set_back, good_for(HOUR + 100), meaning);
}
