//! The checks of exercise 02. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, with a site that counts the calls.

use std::{future::poll_fn, pin::Pin, sync::LazyLock, task::Poll, time::Duration};

use axum::{Router, body::Body, http::Request as HttpRequest};
use backpressure::{CAPACITY, LESSON, Page, Site};
use http_body_util::BodyExt;
use lab::{
    AppFuture, Control, Count, Experiment, Finding, Observed, Plan, Probes, Report, Request, Run, Side, Step,
    Transcript, Variant,
};
use serde_json::{Value, json};
use tower::ServiceExt;

const PAGES: u64 = 60;
const BROKEN: [Page; 3] = [Page(7), Page(23), Page(59)];

const ALL_WELL: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the crawler in this file",
    app: |probes| served(Site::new(&probes)),
};
const ONE_SLOW: Variant = Variant { app: |probes| served(Site::new(&probes).with_slow(Page(0))), ..ALL_WELL };
const SOME_BROKEN: Variant =
    Variant { app: |probes| served(Site::new(&probes).with_broken(BROKEN)), ..ALL_WELL };

static ONE_CRAWL: Experiment = Experiment {
    slug: "one-crawl",
    title: "One crawl",
    watch: "What does it bring home?",
    controls: &[
        Control::REQUESTS.default_of(1),
        Control { name: "pages", label: "pages", min: 8, max: PAGES, default: PAGES },
        Control::HOLD_MS.default_of(5),
    ],
    plan: Plan::Transcript(Transcript {
        steps: &[Step { says: "a crawl", request: |_| Request::post("/crawl", json!(null)) }],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

static TWO_CRAWLS: Experiment = Experiment {
    controls: &[
        Control::REQUESTS.default_of(2),
        Control { name: "pages", label: "pages", min: 8, max: PAGES, default: PAGES },
        Control::HOLD_MS.default_of(2),
    ],
    plan: Plan::Count(Count {
        requests: |controls| vec![Request::post("/crawl", json!(null)); controls.requests()],
        at_once: |controls| controls.requests(),
    }),
    ..ONE_CRAWL
};

// Two checks look at this run.
static WELL: LazyLock<Report> = LazyLock::new(|| run(&ONE_CRAWL, ALL_WELL));

fn served(site: Site) -> AppFuture {
    Box::pin(async move { built(&site) })
}

fn built(site: &Site) -> Router {
    site.behind_the_door(crate::app(site.clone()))
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, answer: Variant) -> Report {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, answer, controls).judged().report()
}

#[test]
fn a_crawl_fetches_every_page_once_and_says_so() {
    brings_home(&WELL, "a crawl of 60 pages", 60, 0);
}

#[test]
fn eight_calls_are_at_the_site_and_never_more() {
    WELL.assert_holds();
    at_most_eight(&WELL, "one crawl");
}

#[test]
fn two_crawls_share_the_eight_places() {
    let report = run(&TWO_CRAWLS, ALL_WELL);

    report.assert_holds();
    at_most_eight(&report, "two crawls at once");
    let Observed::Count { succeeded, .. } = report.observed else { unreachable!("it counts") };
    let fetched = report.counter("pages fetched");
    Finding::new(
        "two crawls at once",
        "answered with 2xx, pages fetched",
        format!("{succeeded}, {fetched}"),
        format!("2, {}", 2 * PAGES),
        (succeeded, fetched) == (2, 2 * PAGES),
        "Both crawls fetch every page. Who finds no place waits for one.",
    )
    .assert_holds();
}

#[test]
fn a_slow_page_holds_up_nobody_else() {
    let report = run(&ONE_CRAWL, ONE_SLOW);

    report.assert_holds();
    let held_up = report.counter("pages refused");
    Finding::new(
        "page 0, which answers when all others are done",
        "times that others waited for it",
        held_up,
        0,
        held_up == 0,
        "There were free places at the site, and pages to fetch, and your crawl waited for the slow one.",
    )
    .assert_holds();
    brings_home(&report, "a crawl with one slow page", 60, 0);
}

#[test]
fn a_broken_page_is_counted_and_the_rest_is_fetched() {
    brings_home(&run(&ONE_CRAWL, SOME_BROKEN), "a crawl with three broken pages", 57, 3);
}

/// On a clock that stands still.
#[tokio::test(start_paused = true)]
async fn a_crawl_that_is_dropped_ends_and_gives_its_places_back() {
    let controls = ONE_CRAWL.controls([("pages", 16), ("hold_ms", 200)]).expect("both are in their bounds");
    let site = Site::new(&Probes::new(controls));
    let app = built(&site);
    let mut first = Box::pin(app.clone().oneshot(crawl()));
    // No page has come by then. What an answer without any page says is judged below.
    let _ = in_turns(&mut first).await;

    drop(first);

    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let left = site.at_once();
    let meaning = "The client is gone. Its calls go on for nobody, at places that the next crawl needs.";
    Finding::new("after the client hung up", "calls at the site", left, 0, left == 0, meaning).assert_holds();
    let mut second = Box::pin(app.oneshot(crawl()));
    let mut answer = None;
    // In steps: a clock goes on by itself only when all are waiting, and who looks for a place again and again never is.
    for _ in 0..50 {
        answer = in_turns(&mut second).await;
        if answer.is_some() {
            break;
        }
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let body = match answer {
        Some(Ok(answer)) => {
            answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default()
        }
        None => "no answer".into(),
    };
    let expected = r#"{"fetched":16,"failed":0}"#;
    let meaning =
        "The places of the crawl that was dropped have not come back, so the next one waits for ever.";
    let seen = String::from_utf8_lossy(&body);
    Finding::new("the next crawl", "answer", &seen, expected, seen == expected, meaning).assert_holds();
}

/// Two hundred turns for it, and as many for whatever it has begun.
async fn in_turns<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    for _ in 0..200 {
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context))).await
        {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

fn crawl() -> HttpRequest<Body> {
    HttpRequest::post("/crawl").body(Body::empty()).unwrap_or_default()
}

#[track_caller]
fn at_most_eight(report: &Report, subject: &str) {
    let most = report.gauge("calls at once");
    let holds = usize::try_from(most) == Ok(CAPACITY);
    let meaning = "The site serves eight calls at once, whoever makes them. More are refused, fewer waste its time and yours.";
    Finding::new(subject, "most calls at the site at once", most, CAPACITY, holds, meaning).assert_holds();
}

#[track_caller]
fn brings_home(report: &Report, subject: &str, fetched: u64, failed: u64) {
    report.assert_holds();
    let exchange = &report.exchanges()[0];
    let told = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let body: Value = json!({ "fetched": fetched, "failed": failed });
    let holds =
        exchange.status == Some(200) && exchange.body == body && report.counter("pages fetched") == fetched;
    Finding::new(
        subject,
        "answer, pages that the site gave",
        format!("{told} {}, {}", exchange.body, report.counter("pages fetched")),
        format!("200 {body}, {fetched}"),
        holds,
        "Each page is asked for once, and the answer says what came of it.",
    )
    .assert_holds();
}
