//! The checks of exercise 24. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: what `start` returns, and what the services that it gives answer over real sockets.

use std::sync::LazyLock;

use axum::Router;
use lab::{
    App, Controls, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Transcript, Variant,
};
use serde_json::json;
use settings_and_boot::{LESSON, Variables, admin_token};

type Values = &'static [(&'static str, &'static str)];

const KEY: &str = "w3Qn8TzL5cVb1XyR7mKd0HsPf6gJu2Ea";

const PRODUCTION: Values = &[
    ("SHOP_PROFILE", "production"),
    ("SHOP_POOL", "12"),
    ("SHOP_SIGNING_KEY", KEY),
    ("SHOP_VAT_PERCENT", "7"),
];

const DEVELOPMENT: Values = &[("SHOP_PROFILE", "development")];

static RUNNING: Experiment = Experiment {
    slug: "running",
    title: "A service that has started",
    watch: "Does it answer by its settings?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step {
                says: "an order for 100.00",
                request: |_| Request::post("/orders", json!({ "cents": 10_000 })),
            },
            Step {
                says: "an administrator's token",
                request: |_| Request::get("/admin").bearer(admin_token(KEY)),
            },
            Step {
                says: "a token made with another key",
                request: |_| Request::get("/admin").bearer(admin_token("another key of thirty-two bytes.")),
            },
            Step { says: "the page for the operators", request: |_| Request::get("/about") },
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

// Several checks look at these runs.
static IN_PRODUCTION: LazyLock<Report> =
    LazyLock::new(|| run(|probes| Box::pin(async move { service(&probes, PRODUCTION) })));
static IN_DEVELOPMENT: LazyLock<Report> =
    LazyLock::new(|| run(|probes| Box::pin(async move { service(&probes, DEVELOPMENT) })));

/// The service, or one without routes if it does not start.
fn service(probes: &Probes, values: Values) -> Router {
    let variables = Variables::new(probes, values);
    let started = crate::start(variables.clone());
    variables.boot_is_over();
    started.unwrap_or_default()
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(app: App) -> Report {
    let answer = Variant { name: "your answer", side: Side::Right, says: "the service in this file", app };
    let controls = RUNNING.controls([]).expect("it has no controls");
    Run::of(&LESSON, &RUNNING, answer, controls).judged().report()
}

fn faults(values: Values) -> Option<Vec<String>> {
    crate::start(Variables::new(&Probes::new(Controls::default()), values)).err()
}

/// Asserts that a start is refused with one line for each of the variables, and no other.
#[track_caller]
fn refused(subject: &str, values: Values, names: &[&str], meaning: &str) {
    let seen = faults(values);
    let named = |name: &&&str| seen.iter().flatten().filter(|line| line.contains(**name)).count() == 1;
    let holds = seen.as_ref().is_some_and(|lines| lines.len() == names.len())
        && names.iter().filter(named).count() == names.len();
    let shown =
        seen.map_or_else(|| "it starts".to_owned(), |lines| format!("refused: {}", lines.join(" | ")));
    let expected = format!("refused, with a line for {}", names.join(", "));
    Finding::new(subject, "start", shown, expected, holds, meaning).assert_holds();
}

#[test]
fn a_service_with_good_settings_answers_by_them() {
    let meaning = "With good settings the service starts, and each of them does what it says.";
    for (report, vat, about) in [
        (&*IN_PRODUCTION, 700, json!(["production", 12, 7])),
        (&*IN_DEVELOPMENT, 1900, json!(["development", 4, 19])),
    ] {
        report.assert_holds();
        let exchanges = report.exchanges();
        let seen = exchanges[0].body["vat"].clone();
        Finding::new(exchanges[0].says.as_str(), "VAT in cents", &seen, vat, seen == vat, meaning)
            .assert_holds();
        let body = &exchanges[3].body;
        let seen = json!([body["profile"], body["pool"], body["vat_percent"]]);
        Finding::new(exchanges[3].says.as_str(), "profile, pool, VAT", &seen, &about, seen == about, meaning)
            .assert_holds();
    }
    for (step, expected) in [(1, 200), (2, 401)] {
        let exchange = &IN_PRODUCTION.exchanges()[step];
        let seen = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let holds = exchange.status == Some(expected);
        Finding::new(exchange.says.as_str(), "status", seen, expected, holds, meaning).assert_holds();
    }
}

#[test]
fn a_bad_start_tells_every_fault_by_the_name_of_its_variable() {
    let meaning = "Whoever mends the settings should have to start once more, and not once for each fault.";
    refused(
        "three faults in production",
        &[("SHOP_PROFILE", "production"), ("SHOP_POOL", "many"), ("SHOP_VAT_PERCENT", "19%")],
        &["SHOP_POOL", "SHOP_SIGNING_KEY", "SHOP_VAT_PERCENT"],
        meaning,
    );
    refused(
        "two faults in development",
        &[("SHOP_PROFILE", "development"), ("SHOP_POOL", "0"), ("SHOP_VAT_PERCENT", "31")],
        &["SHOP_POOL", "SHOP_VAT_PERCENT"],
        meaning,
    );
}

#[test]
fn a_profile_is_one_of_two_words() {
    let meaning =
        "What is not development must not be taken for it: the defaults of a laptop would go to production.";
    for (subject, profile) in
        [("SHOP_PROFILE=prod", "prod"), ("SHOP_PROFILE=Production", "Production"), ("SHOP_PROFILE=", "")]
    {
        let values: Values =
            Vec::leak(vec![("SHOP_PROFILE", profile), ("SHOP_SIGNING_KEY", KEY), ("SHOP_VAT_PERCENT", "7")]);
        refused(subject, values, &["SHOP_PROFILE"], meaning);
    }
    let values: Values = &[("SHOP_SIGNING_KEY", KEY), ("SHOP_VAT_PERCENT", "7")];
    refused("no profile at all", values, &["SHOP_PROFILE"], meaning);
}

#[test]
fn production_starts_with_a_long_key_of_its_own_or_not_at_all() {
    let meaning = "A key that is short, or stands in the source code, is everybody's key.";
    const REST: [(&str, &str); 2] = [("SHOP_PROFILE", "production"), ("SHOP_VAT_PERCENT", "7")];
    refused("no key", &REST, &["SHOP_SIGNING_KEY"], meaning);
    for (subject, key) in [("an empty key", ""), ("a key of 31 bytes", &KEY[1..])] {
        let values: Values = Vec::leak(vec![REST[0], REST[1], ("SHOP_SIGNING_KEY", key)]);
        refused(subject, values, &["SHOP_SIGNING_KEY"], meaning);
    }
}

#[test]
fn a_variable_that_does_not_exist_is_a_fault() {
    let meaning = "A variable that is spelled wrongly is a setting that silently does nothing.";
    refused(
        "SHOP_POOL_SIZE=12",
        &[("SHOP_PROFILE", "development"), ("SHOP_POOL_SIZE", "12"), ("PATH", "/usr/bin")],
        &["SHOP_POOL_SIZE"],
        meaning,
    );
}

#[test]
fn the_key_is_told_to_nobody() {
    let meaning = "Pages and logs are read by more people than keys are.";
    IN_PRODUCTION.assert_holds();
    let about = IN_PRODUCTION.exchanges()[3].body.to_string();
    let short: Values =
        &[("SHOP_PROFILE", "production"), ("SHOP_VAT_PERCENT", "7"), ("SHOP_SIGNING_KEY", "hunter2")];
    let refused = faults(short).unwrap_or_default().join(" ");
    for (subject, leaked) in
        [("the page for the operators", about.contains(KEY)), ("the faults", refused.contains("hunter2"))]
    {
        let seen = if leaked { "yes" } else { "no" };
        Finding::new(subject, "key in it", seen, "no", !leaked, meaning).assert_holds();
    }
}

#[test]
fn nobody_reads_a_variable_after_the_start() {
    for report in [&*IN_PRODUCTION, &*IN_DEVELOPMENT] {
        report.assert_holds();
        let read = report.counter(Variables::READ_AFTER_BOOT);
        let meaning = "What is read in a request is checked in a request.";
        Finding::new("4 requests", "variables read", read, 0, read == 0, meaning).assert_holds();
    }
}
