//! The checks of exercise 15. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: requests over real sockets to `app` on three stores, and calls of `scales`.

#![expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]

use lab::{
    App, Counter, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Transcript, Variant,
};
use layers_that_point_inward::LESSON;
use serde_json::{Value, json};
use sqlx::sqlite::SqlitePoolOptions;

/// What the rule says to each of these parcels: grams, express, and the price or the word of the refusal.
const RULE: [(u64, bool, Result<u64, &str>); 13] = [
    (1, false, Ok(400)),
    (1000, false, Ok(400)),
    (1000, true, Ok(600)),
    (1001, false, Ok(900)),
    (5000, false, Ok(900)),
    (5000, true, Ok(1350)),
    (5001, false, Ok(1900)),
    (20_000, false, Ok(1900)),
    (20_000, true, Ok(2850)),
    (0, false, Err("empty")),
    (20_001, false, Err("heavy")),
    (1_000_000, true, Err("heavy")),
    // 800 g to whoever keeps only 32 bits.
    ((1 << 32) + 800, false, Err("heavy")),
];

/// How many of them are accepted.
const ACCEPTED: u64 = 9;

/// The counter of parcels that reached a store.
const KEPT: &str = "parcels at the store";

macro_rules! steps {
    ($($place:literal)*) => { &[$(Step { says: "a parcel", request: |_| parcel($place) }),*] };
}

static PARCELS: Experiment = Experiment {
    slug: "parcels",
    title: "Thirteen parcels",
    watch: "Does each store see the same rule?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: steps!(0 1 2 3 4 5 6 7 8 9 10 11 12) }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

fn parcel(place: usize) -> Request {
    let (grams, express, _) = RULE[place];
    Request::post("/parcels", json!({ "grams": grams, "express": express }))
}

/// A store in memory: it takes everything, or nothing.
#[derive(Clone)]
struct Shelf {
    kept: Counter,
    down: bool,
}

impl crate::Store for Shelf {
    async fn keep(&self, _: u64, _: u64) -> Result<u64, crate::Fault> {
        self.kept.add_one();
        if self.down { Err(crate::Fault::Down) } else { Ok(self.kept.total()) }
    }
}

async fn sqlite() -> crate::Sqlite {
    // It lives in its one connection, so that connection stays open.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect("sqlite::memory:").await.expect("SQLite in memory needs nothing but memory");
    let schema = "CREATE TABLE parcels (number INTEGER PRIMARY KEY, grams INTEGER NOT NULL CHECK (grams <= 20000), \
                  cents INTEGER NOT NULL) STRICT";
    sqlx::query(schema).execute(&pool).await.expect("the schema is sound");
    crate::Sqlite(pool)
}

fn on_the_shelf(probes: &Probes, down: bool) -> axum::Router {
    crate::app(Shelf { kept: probes.counter(KEPT), down })
}

fn run(app: App) -> Report {
    let answer = Variant { name: "your answer", side: Side::Right, says: "the service in this file", app };
    let controls = PARCELS.controls([]).expect("it has no controls");
    Run::of(&LESSON, &PARCELS, answer, controls).judged().report()
}

/// Asserts what was answered to each parcel: status, and price or refusal. A wrong answer to a parcel that the rule
/// accepts means something else than one to a parcel that it refuses.
#[track_caller]
fn answered(
    report: &Report,
    store: &str,
    [accepted, refused]: [&str; 2],
    expected: impl Fn(Result<u64, &str>) -> (u16, Value),
) {
    report.assert_holds();
    let mut kept = 0;
    for (exchange, (grams, express, rule)) in report.exchanges().iter().zip(RULE) {
        let (status, said) = expected(rule);
        let body = &exchange.body;
        let (price, word) = (&body["cents"], &body["refused"]);
        let (seen, other, meaning) =
            if rule.is_ok() { (price, word, accepted) } else { (word, price, refused) };
        let shown = |status: Option<u16>, said: &Value| {
            let status = lab::shown_status(status);
            if said.is_null() { status } else { format!("{status} {said}") }
        };
        let subject = format!("{grams} g{}, {store}", if express { ", express" } else { "" });
        Finding::new(
            &subject,
            "answer",
            shown(exchange.status, if seen.is_null() { other } else { seen }),
            shown(Some(status), &said),
            (exchange.status, seen) == (Some(status), &said),
            meaning,
        )
        .assert_holds();
        if status == 201 {
            kept += 1;
            let number = &body["number"];
            let meaning = "A parcel has the number that the store gave it, and the stores count from 1.";
            Finding::new(&subject, "number", number, kept, *number == json!(kept), meaning).assert_holds();
        }
    }
}

fn by_the_rule(rule: Result<u64, &str>) -> (u16, Value) {
    rule.map_or_else(|word| (422, json!(word)), |cents| (201, json!(cents)))
}

#[track_caller]
fn only_accepted_parcels_were_kept(report: &Report) {
    let kept = report.counter(KEPT);
    let meaning = "A store keeps what it is given. Whether a parcel is accepted has to be known before.";
    Finding::new("the store", "parcels that reached it", kept, ACCEPTED, kept == ACCEPTED, meaning)
        .assert_holds();
}

#[test]
fn the_web_shop_answers_by_the_rule_on_sqlite() {
    let report = run(|_| Box::pin(async { crate::app(sqlite().await) }));
    answered(&report, "on SQLite", ["The web shop has to say what it said before."; 2], by_the_rule);
}

#[test]
fn the_scales_say_what_the_web_shop_says() {
    let meaning = "A copy of a rule is right on the day it is made. There should be one.";
    for (grams, express, rule) in RULE {
        let said = crate::scales(grams, express);
        let subject = format!("{grams} g{} on the scales", if express { ", express" } else { "" });
        Finding::new(subject, "answer", format!("{said:?}"), format!("{rule:?}"), said == rule, meaning)
            .assert_holds();
    }
}

#[test]
fn the_rule_holds_on_a_store_without_constraints() {
    let report = run(|probes| Box::pin(async move { on_the_shelf(&probes, false) }));
    let accepted = "What a parcel costs does not depend on where it is kept.";
    let refused = "A part of the rule was kept by the old store, and is gone with it.";
    answered(&report, "on a store without constraints", [accepted, refused], by_the_rule);
    only_accepted_parcels_were_kept(&report);
}

#[test]
fn a_store_that_is_down_is_a_503_and_a_refusal_is_still_one() {
    let report = run(|probes| Box::pin(async move { on_the_shelf(&probes, true) }));
    let accepted = "Nothing is wrong with this parcel. It cannot be kept now, and a 503 says so.";
    let refused = "A parcel that would never be accepted is refused also while nothing can be kept.";
    answered(&report, "while the store is down", [accepted, refused], |rule| {
        rule.map_or_else(|word| (422, json!(word)), |_| (503, Value::Null))
    });
    only_accepted_parcels_were_kept(&report);
}

#[test]
fn the_scales_can_be_called_from_async_code() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Whether they are right is judged above; here, whether they are the same on a thread that drives a runtime.
    let alone = RULE.map(|(grams, express, _)| crate::scales(grams, express));
    let beside = async { RULE.map(|(grams, express, _)| crate::scales(grams, express)) };
    let beside = runtime.expect("a runtime can be made").block_on(beside);
    let meaning = "Who calls a rule should not have to know what else is running on its thread.";
    for ((grams, _, _), (alone, beside)) in RULE.into_iter().zip(alone.into_iter().zip(beside)) {
        let subject = format!("{grams} g on the scales, from async code");
        let holds = alone == beside;
        Finding::new(subject, "answer", format!("{beside:?}"), format!("{alone:?}"), holds, meaning)
            .assert_holds();
    }
}
