//! The checks of exercise 19. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, on a runtime with one worker thread.

use std::time::Duration;

use axum::http::StatusCode;
use cpu_work::{BROKEN, IMPATIENT_CLIENTS, LESSON, Photos, TEN_THUMBNAILS};
use lab::{
    Control, Experiment, Finding, Observed, Plan, Report, Request, Run, Side, Step, Timeline, Transcript,
    Variant,
};
use tower_http::timeout::TimeoutLayer;

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the thumbnails of this file",
    app: |probes| {
        Box::pin(async move {
            let photos = Photos::new(&probes);
            photos.around(crate::app(photos.clone()))
        })
    },
};

/// The same, with photos that take long and a deadline that cuts their requests off.
const CUT_OFF: Variant = Variant {
    app: |probes| {
        Box::pin(async move {
            let photos = Photos::held(&probes);
            let deadline =
                TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(50));
            photos.around(crate::app(photos.clone()).layer(deadline))
        })
    },
    ..ANSWER
};

/// A photo, three times the one that panics, and two photos more.
static ONE_BROKEN: Experiment = Experiment {
    slug: "one-broken",
    title: "A photo that cannot be decoded",
    watch: "Who pays for it?",
    controls: &[Control::HOLD_MS.default_of(1)],
    plan: Plan::Transcript(Transcript {
        steps: &[PHOTO, BROKEN_PHOTO, BROKEN_PHOTO, BROKEN_PHOTO, PHOTO, PHOTO],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const PHOTO: Step = Step { says: "a photo", request: |_| Request::get("/thumbnails/7") };
const BROKEN_PHOTO: Step =
    Step { says: "the broken photo", request: |_| Request::get(format!("/thumbnails/{BROKEN}")) };

/// One photo alone.
static ALONE: Experiment =
    Experiment { plan: Plan::Transcript(Transcript { steps: &[PHOTO] }), ..ONE_BROKEN };

/// Thirty photos at once.
static THIRTY: Experiment = Experiment {
    controls: &[Control::REQUESTS.default_of(30), Control::HOLD_MS.default_of(1)],
    plan: Plan::Timeline(Timeline {
        requests: |controls| {
            (100..).take(controls.requests()).map(|n| Request::get(format!("/thumbnails/{n}"))).collect()
        },
    }),
    ..ONE_BROKEN
};

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, answer: Variant) -> Report {
    let hold = experiment.controls.iter().filter(|control| control.name == "hold_ms");
    let controls = experiment.controls(hold.map(|control| (control.name, 1))).expect("it is in its bounds");
    Run::of(&LESSON, experiment, answer, controls).judged().report()
}

#[test]
fn a_thumbnail_is_the_one_that_was_asked_for() {
    let report = run(&ALONE, ANSWER);

    report.assert_holds();
    let exchange = &report.exchanges()[0];
    let told = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let seen = format!("{told} {}", exchange.body);
    let expected = "200 \"thumbnail 7\"";
    let holds = seen == expected;
    Finding::new(
        "photo 7",
        "answer",
        seen,
        expected,
        holds,
        "The answer is the thumbnail, as it was before.",
    )
    .assert_holds();
}

#[test]
fn two_photos_are_in_memory_and_never_more() {
    run(&TEN_THUMBNAILS, ANSWER).assert_holds();
}

#[test]
fn jobs_of_clients_that_have_gone_still_count() {
    run(&IMPATIENT_CLIENTS, CUT_OFF).assert_holds();
}

#[test]
fn a_full_queue_is_told_as_503() {
    let report = run(&THIRTY, ANSWER);

    report.assert_holds();
    let Observed::Timeline { lanes, .. } = &report.observed else { unreachable!("it is a timeline") };
    let with = |status| lanes.iter().filter(|lane| lane.status == Some(status)).count();
    let (served, refused) = (with(200), with(503));
    Finding::new(
        "30 photos, sent together",
        "served, refused with 503",
        format!("{served}, {refused}"),
        "10 to 20, and all the others",
        (10..=20).contains(&served) && served + refused == 30,
        "A few may wait. Who would wait behind them hears at once that there is no room.",
    )
    .assert_holds();
}

#[test]
fn a_broken_photo_costs_only_its_request() {
    let report = run(&ONE_BROKEN, ANSWER);

    report.assert_holds();
    let statuses: Vec<_> = report.exchanges().iter().map(|exchange| exchange.status.unwrap_or(0)).collect();
    let expected = [200, 500, 500, 500, 200, 200];
    Finding::new(
        "a photo, three that are broken, two photos",
        "statuses (0 is no answer)",
        list(&statuses),
        list(&expected),
        statuses == expected,
        "The panic of one thumbnail has taken something along that the next ones need: a thread, a permit or a connection.",
    )
    .assert_holds();
}

fn list(statuses: &[u16]) -> String {
    statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
