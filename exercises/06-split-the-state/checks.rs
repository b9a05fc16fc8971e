//! The checks of exercise 06. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets. All runs happen one after the other, because an answer
//! that keeps something in the process carries it from one run into the next.

use std::sync::LazyLock;

use axum::Router;
use lab::{App, Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant};
use serde_json::{Value, json};
use state_not_globals::LESSON;

const PLAYHOUSE: crate::Venue = crate::Venue { name: "Playhouse", seats: 3 };
const OPERA: crate::Venue = crate::Venue { name: "Opera", seats: 3 };
const CONCERT_HALL: crate::Venue = crate::Venue { name: "Concert Hall", seats: 5 };

const ONE: &[Step] = &[
    Step { says: "sells the first seat", request: |_| sell("/one") },
    Step { says: "sells the second seat", request: |_| sell("/one") },
    Step { says: "counts the sold seats", request: |_| Request::get("/one/tickets") },
    Step { says: "asks for the report", request: |_| Request::get("/one/report") },
    Step { says: "sells the third and last seat", request: |_| sell("/one") },
    Step { says: "sells one more", request: |_| sell("/one") },
];

const BOTH: &[Step] = &[
    Step { says: "sells a seat in the first house", request: |_| sell("/one") },
    Step { says: "sells a seat in the second house", request: |_| sell("/two") },
    Step { says: "sells another one in the first house", request: |_| sell("/one") },
    Step { says: "counts the sold seats of the second house", request: |_| Request::get("/two/tickets") },
    Step { says: "asks for the report of the second house", request: |_| Request::get("/two/report") },
];

/// Two box offices in one process.
static TWO_VENUES: Experiment =
    Experiment { plan: Plan::Transcript(Transcript { steps: BOTH }), ..ONE_VENUE };

/// One box office alone.
const ONE_VENUE: Experiment = Experiment {
    slug: "box-offices",
    title: "Box offices",
    watch: "Does each stand alone?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: ONE }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};
static ALONE: Experiment = ONE_VENUE;

struct Seen {
    alone: Report,
    two_venues: Report,
    two_evenings: Report,
}

// In this order, so that what the process keeps is the same at each run of the checks.
static SEEN: LazyLock<Seen> = LazyLock::new(|| Seen {
    alone: run(&ALONE, |_| Box::pin(async { Router::new().nest("/one", crate::app(PLAYHOUSE)) })),
    two_venues: run(&TWO_VENUES, |_| {
        Box::pin(async { side_by_side(crate::app(OPERA), crate::app(CONCERT_HALL)) })
    }),
    two_evenings: run(&TWO_VENUES, |_| {
        Box::pin(async { side_by_side(crate::app(OPERA), crate::app(OPERA)) })
    }),
});

fn side_by_side(one: Router, two: Router) -> Router {
    Router::new().nest("/one", one).nest("/two", two)
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, app: App) -> Report {
    let answer = Variant { name: "your answer", side: Side::Right, says: "the service in this file", app };
    let controls = experiment.controls([]).expect("it has no controls");
    Run::of(&LESSON, experiment, answer, controls).judged().report()
}

fn sell(office: &str) -> Request {
    Request::post(format!("{office}/tickets"), json!({}))
}

#[test]
fn a_box_office_sells_its_seats_in_order_until_none_is_left() {
    let meaning = "One box office alone counts its own seats, over all requests, and stops at the last one.";
    for (step, expected) in [
        (0, said(201, json!({ "venue": "Playhouse", "seat": 1 }))),
        (1, said(201, json!({ "venue": "Playhouse", "seat": 2 }))),
        (2, said(200, json!({ "venue": "Playhouse", "sold": 2 }))),
        (4, said(201, json!({ "venue": "Playhouse", "seat": 3 }))),
    ] {
        answered(&SEEN.alone, step, &expected, meaning);
    }
    let status = SEEN.alone.exchanges()[5].status;
    let seen = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    Finding::new("a seat too many", "status", seen, "409", status == Some(409), meaning).assert_holds();
}

#[test]
fn the_report_says_what_the_tickets_say() {
    let meaning = "The report is about the seats that this box office has sold, and nothing else.";
    answered(&SEEN.alone, 3, &said(200, json!({ "sold": 2, "left": 1 })), meaning);
}

#[test]
fn two_houses_share_neither_seats_nor_name() {
    let meaning = "Something belongs to the process, and both box offices in it use it.";
    stand_alone(&SEEN.two_venues, "Concert Hall", 5, meaning);
}

#[test]
fn two_evenings_at_one_house_share_no_seats() {
    let meaning = "Each call of `app` makes a new box office, whatever other box office has the same name.";
    stand_alone(&SEEN.two_evenings, "Opera", 3, meaning);
}

#[track_caller]
fn stand_alone(report: &Report, second: &str, seats: u32, meaning: &str) {
    for (step, expected) in [
        (0, said(201, json!({ "venue": "Opera", "seat": 1 }))),
        (1, said(201, json!({ "venue": second, "seat": 1 }))),
        (2, said(201, json!({ "venue": "Opera", "seat": 2 }))),
        (3, said(200, json!({ "venue": second, "sold": 1 }))),
        (4, said(200, json!({ "sold": 1, "left": seats - 1 }))),
    ] {
        answered(report, step, &expected, meaning);
    }
}

fn said(status: u16, body: Value) -> (u16, Value) {
    (status, body)
}

#[track_caller]
fn answered(report: &Report, step: usize, (status, body): &(u16, Value), meaning: &str) {
    report.assert_holds();
    let exchange = &report.exchanges()[step];
    let seen = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let holds = exchange.status == Some(*status) && exchange.body == *body;
    let (seen, expected) = (format!("{seen} {}", exchange.body), format!("{status} {body}"));
    Finding::new(exchange.says.as_str(), "answer", seen, expected, holds, meaning).assert_holds();
}
