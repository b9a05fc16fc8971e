//! The checks of exercise 01. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, with three services behind the dashboard.

use std::sync::LazyLock;

use await_together::{LESSON, Mood, ONE_DASHBOARD, Services};
use lab::{
    AppFuture, Control, Experiment, Finding, Plan, Probes, Report, Request, Run, Side, Step, Transcript,
    Variant,
};
use serde_json::{Value, json};

const DASHBOARD: Step = Step { says: "a dashboard", request: |_| Request::get("/dashboard") };

/// One dashboard, and then a look at the calls that still run. The variants say how the services behave.
static AND_THEN: Experiment = Experiment {
    slug: "and-then",
    title: "One dashboard, and a look at what still runs",
    watch: "What does the page say, and what is left behind?",
    controls: &[Control::HOLD_MS.default_of(20)],
    plan: Plan::Transcript(Transcript {
        steps: &[
            DASHBOARD,
            Step { says: "the operators ask for the calls under way", request: |_| Request::get("/calls") },
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const ALL_WELL: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the dashboard in this file",
    app: |probes| served(Services::new(&probes)),
};
const NO_ORDERS: Variant =
    Variant { app: |probes| served(with(&probes, Mood::Answers, Mood::Refuses, Mood::Answers)), ..ALL_WELL };
const NO_OFFERS: Variant =
    Variant { app: |probes| served(with(&probes, Mood::Answers, Mood::Answers, Mood::Refuses)), ..ALL_WELL };
const NO_CUSTOMER: Variant =
    Variant { app: |probes| served(with(&probes, Mood::Refuses, Mood::Answers, Mood::Answers)), ..ALL_WELL };
const NO_CUSTOMER_AND_SILENCE: Variant =
    Variant { app: |probes| served(with(&probes, Mood::Refuses, Mood::Hangs, Mood::Hangs)), ..ALL_WELL };

// Two checks look at this run.
static WITHOUT_A_CUSTOMER: LazyLock<Report> =
    LazyLock::new(|| run(&AND_THEN, NO_CUSTOMER_AND_SILENCE).report());

fn with(probes: &Probes, customer: Mood, orders: Mood, offers: Mood) -> Services {
    Services::with(probes, customer, orders, offers)
}

fn served(services: Services) -> AppFuture {
    Box::pin(async move { crate::app(services.clone()).merge(services.desk()) })
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment, answer: Variant) -> Run {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, answer, controls).judged()
}

#[test]
fn a_dashboard_shows_what_the_three_services_say() {
    shows(
        ALL_WELL,
        "when all is well",
        &json!({ "customer": "Ada", "orders": 3, "offers": ["tea", "cups"] }),
    );
}

#[test]
fn the_three_services_are_asked_at_the_same_time() {
    let report = run(&ONE_DASHBOARD, ALL_WELL).gated().report();

    report.assert_holds();
    let made = report.counter("calls made");
    Finding::new(
        "one dashboard",
        "calls made",
        made,
        3,
        made == 3,
        "Each service is asked once for each page.",
    )
    .assert_holds();
}

#[test]
fn what_cannot_be_said_is_null_and_the_rest_is_shown() {
    let without_orders = json!({ "customer": "Ada", "orders": null, "offers": ["tea", "cups"] });
    let without_offers = json!({ "customer": "Ada", "orders": 3, "offers": null });

    shows(NO_ORDERS, "while the orders are down", &without_orders);
    shows(NO_OFFERS, "while the offers are down", &without_offers);
}

#[test]
fn a_dashboard_without_a_customer_is_refused_at_once() {
    refuses(&run(&AND_THEN, NO_CUSTOMER).report(), "while the others answer");
    refuses(&WITHOUT_A_CUSTOMER, "while the others hang");
}

#[test]
fn a_refused_dashboard_leaves_no_call_running() {
    let report = &*WITHOUT_A_CUSTOMER;

    report.assert_holds();
    let refused = report.exchanges()[0].status;
    let running = &report.exchanges()[1].body;
    Finding::new(
        "after the refusal",
        "calls under way",
        if refused == Some(502) { running.to_string() } else { "nothing was refused".to_owned() },
        0,
        refused == Some(502) && *running == 0,
        "The page has been refused and nobody waits for these calls; they have to end with it.",
    )
    .assert_holds();
}

/// Looks at one dashboard with services that behave as the variant says.
#[track_caller]
fn shows(answer: Variant, when: &str, expected: &Value) {
    let report = run(&AND_THEN, answer).report();

    report.assert_holds();
    let exchange = &report.exchanges()[0];
    Finding::new(
        format!("a dashboard {when}"),
        "answer",
        format!("{} {}", status(exchange.status), exchange.body),
        format!("200 {expected}"),
        exchange.status == Some(200) && exchange.body == *expected,
        "The page shows what the services say, and `null` for what cannot be said.",
    )
    .assert_holds();
}

/// Looks at the one dashboard of a report: it has to be refused.
#[track_caller]
fn refuses(report: &Report, when: &str) {
    report.assert_holds();
    let exchange = &report.exchanges()[0];
    Finding::new(
        format!("a page without its customer, {when}"),
        "status",
        status(exchange.status),
        502,
        exchange.status == Some(502),
        "Without the customer there is no page. The service behind has failed, so the answer is 502.",
    )
    .assert_holds();
}

fn status(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
}
