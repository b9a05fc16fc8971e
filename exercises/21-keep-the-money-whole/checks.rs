//! The checks of exercise 21. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: requests over real sockets, and one request that is dropped at each of its awaits.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use axum::{
    body::Body,
    http::{Request as HttpRequest, StatusCode, header},
};
use lab::{
    AppFuture, Control, Controls, Exchange, Experiment, Finding, Observed, Plan, Probes, Request, Run, Side,
    Step, Timeline, Transcript, Variant,
};
use serde_json::{Value, json};
use timeouts_and_cancellation::{Balances, LESSON, Mood, Office};
use tokio::time::timeout;
use tower::ServiceExt;

const AGREES: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the transfers of this file",
    app: |probes| served(&probes, Mood::Agrees),
};
const REFUSES: Variant = Variant { app: |probes| served(&probes, Mood::Refuses), ..AGREES };

/// More than the second that the task allows: "about" is not to be measured.
const ENOUGH: Duration = Duration::from_secs(5);

const TRANSFER: Step =
    Step { says: "a transfer of 10", request: |_| Request::post("/transfers", json!({ "amount": 10 })) };
const BALANCES: Step = Step { says: "the balances", request: |_| Request::get("/balances") };

/// One transfer that can be made and one that cannot.
static TWO_TRANSFERS: Experiment = Experiment {
    slug: "two-transfers",
    title: "Two transfers",
    watch: "What do the accounts hold afterwards?",
    controls: &[Control::HOLD_MS.default_of(2)],
    plan: Plan::Transcript(Transcript {
        steps: &[
            TRANSFER,
            BALANCES,
            Step {
                says: "a transfer of 91",
                request: |_| Request::post("/transfers", json!({ "amount": 91 })),
            },
            BALANCES,
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

static ONE_TRANSFER: Experiment =
    Experiment { plan: Plan::Transcript(Transcript { steps: &[TRANSFER, BALANCES] }), ..TWO_TRANSFERS };

static TEN_TOGETHER: Experiment = Experiment {
    plan: Plan::Timeline(Timeline {
        requests: |_| vec![Request::post("/transfers", json!({ "amount": 1 })); 10],
    }),
    ..TWO_TRANSFERS
};

fn served(probes: &Probes, mood: Mood) -> AppFuture {
    let office = Office::opened(probes, mood);
    Box::pin(async move { crate::app(office.clone()).merge(office.desk()) })
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, answer: Variant) -> Run {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, answer, controls).judged()
}

#[test]
fn a_transfer_moves_the_money_and_says_so() {
    let report = run(&TWO_TRANSFERS, AGREES).report();

    report.assert_holds();
    let [made, after, refused, at_last] = report.exchanges() else { unreachable!("it has four steps") };
    says("a transfer of 10", made, 200, Some(&json!(10)));
    says("the accounts after it", after, 200, Some(&json!({ "ada": 90, "bob": 10 })));
    says("a transfer of 91 out of 90", refused, 409, None);
    says("the accounts after that", at_last, 200, Some(&json!({ "ada": 90, "bob": 10 })));
}

#[test]
fn a_refused_transfer_changes_nothing() {
    let report = run(&ONE_TRANSFER, REFUSES).report();

    report.assert_holds();
    says("a transfer that the auditor refuses", &report.exchanges()[0], 403, None);
    says("the accounts after it", &report.exchanges()[1], 200, Some(&json!({ "ada": 100, "bob": 0 })));
}

/// On a clock that stands still, and goes on to the next thing that is due when nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn a_silent_auditor_is_told_as_504_and_the_money_stays_whole() {
    let office = Office::opened(&Probes::new(Controls::default()), Mood::IsAway);
    let app = crate::app(office.clone()).merge(office.desk());
    let answer = timeout(ENOUGH, app.clone().oneshot(transfer_of_ten())).await;
    let seen = answer.map_or("none within 5 s".to_owned(), |Ok(answer)| answer.status().as_u16().to_string());
    let meaning = "The auditor says nothing. Somebody has to be told after about a second.";
    let holds = seen == "504";
    Finding::new("a transfer while the auditor is silent", "answer", seen, 504, holds, meaning)
        .assert_holds();
    for request in [HttpRequest::post("/auditor/back"), HttpRequest::get("/balances")] {
        let Ok(_) = app.clone().oneshot(request.body(Body::empty()).unwrap_or_default()).await;
    }
    whole("when the auditor is back", office.bank.balances());
}

#[tokio::test]
async fn a_transfer_is_whole_wherever_the_client_hangs_up() {
    for suspensions in 0..1_000 {
        let office = Office::opened(&Probes::new(Controls::default()), Mood::AgreesAtOnce);
        let answered = hung_up_after(suspensions, &office).await;
        if let Some(status) = answered {
            let seen = format!("{} {}", status.as_u16(), shown(office.bank.balances()));
            let expected = "200 Ada 90, Bob 10";
            let meaning =
                "An answer with 200 says that the money has moved. It has to be true when it is sent.";
            let holds = seen == expected;
            Finding::new("a transfer that is not cut", "answer and accounts", seen, expected, holds, meaning)
                .assert_holds();
            return;
        }
        // Whatever does not belong to the request goes on without it.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        whole(&format!("dropped at its await number {suspensions}"), office.bank.balances());
    }
    Finding::new("a transfer", "end", "none", "an answer", false, "It goes on and on without an answer.")
        .assert_holds();
}

#[test]
fn ten_transfers_are_with_the_auditor_together() {
    let report = run(&TEN_TOGETHER, AGREES).gated().report();

    report.assert_holds();
    let Observed::Timeline { lanes, .. } = &report.observed else { unreachable!("it is a timeline") };
    let made = lanes.iter().filter(|lane| lane.status == Some(200)).count();
    let most = report.gauge("transfers at the auditor");
    Finding::new(
        "10 transfers of 1",
        "answered with 200",
        made,
        10,
        made == 10,
        "Ada has enough for all ten.",
    )
    .assert_holds();
    let meaning = "The auditor takes ten at once. Something lets fewer through.";
    Finding::new("10 transfers, sent together", "most at the auditor", most, 10, most == 10, meaning)
        .assert_holds();
}

/// Sends a transfer and drops it when it has been suspended that many times; the status if it was finished before.
async fn hung_up_after(suspensions: usize, office: &Office) -> Option<StatusCode> {
    let mut answer = pin!(crate::app(office.clone()).oneshot(transfer_of_ten()));
    for _ in 0..suspensions {
        if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
            let Ok(answer) = answer;
            return Some(answer.status());
        }
        tokio::task::yield_now().await;
    }
    None
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn transfer_of_ten() -> HttpRequest<Body> {
    HttpRequest::post("/transfers")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "amount": 10 }).to_string()))
        .expect("the request is valid")
}

#[track_caller]
fn says(subject: &str, exchange: &Exchange, status: u16, body: Option<&Value>) {
    let told = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let (seen, expected) = match body {
        Some(body) => (format!("{told} {}", exchange.body), format!("{status} {body}")),
        None => (told, status.to_string()),
    };
    let holds = seen == expected;
    let meaning = "The service says what has become of the transfer, and the accounts agree with it.";
    Finding::new(subject, "answer", seen, expected, holds, meaning).assert_holds();
}

#[track_caller]
fn whole(when: &str, balances: Balances) {
    let holds = [Balances { ada: 100, bob: 0 }, Balances { ada: 90, bob: 10 }].contains(&balances);
    Finding::new(
        format!("a transfer of 10, {when}"),
        "accounts",
        shown(balances),
        "Ada 100, Bob 0 or Ada 90, Bob 10",
        holds,
        "The transfer stands between its two steps. No error was raised there, and no line below will ever run.",
    )
    .assert_holds();
}

fn shown(Balances { ada, bob }: Balances) -> String {
    format!("Ada {ada}, Bob {bob}")
}
