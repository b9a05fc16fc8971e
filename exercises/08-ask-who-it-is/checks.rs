//! The checks of exercise 08. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets.

use std::sync::LazyLock;

use extractors::{ADA, BEN, Directory, LESSON};
use lab::{Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant, shown_status};
use serde_json::{Value, json};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(async move { crate::app(Directory::new(&probes)) }),
};

const TURNS: Experiment = Experiment {
    slug: "turns",
    title: "One request after the other",
    watch: "Who is served what?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: HONEST }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const HONEST: &[Step] = &[
    Step { says: "Ben lists two orders", request: |_| ben("/orders?limit=2&offset=10") },
    Step { says: "Ada lists orders without a page", request: |_| ada("/orders") },
    Step { says: "Ada lists the last users", request: |_| ada("/users?limit=100&offset=248") },
    Step { says: "Ada reads one entry of the audit log", request: |_| ada("/audit?limit=1") },
    Step { says: "a stranger asks for the health", request: |_| Request::get("/health") },
];

const BAD_PAGES: &[Step] = &[
    Step { says: "orders, limit=1000000", request: |_| ben("/orders?limit=1000000") },
    Step { says: "orders, limit=101", request: |_| ben("/orders?limit=101") },
    Step { says: "orders, limit=0", request: |_| ada("/orders?limit=0") },
    Step { says: "users, limit=many", request: |_| ada("/users?limit=many") },
    Step { says: "users, offset=-1", request: |_| ada("/users?offset=-1") },
    Step { says: "audit, limit=", request: |_| ada("/audit?limit=") },
    Step { says: "audit, offset=1.5", request: |_| ada("/audit?limit=5&offset=1.5") },
];

const STRANGERS: &[Step] = &[
    Step { says: "no session, orders", request: |_| Request::get("/orders") },
    Step { says: "no session, users", request: |_| Request::get("/users") },
    Step { says: "no session, audit", request: |_| Request::get("/audit") },
    Step { says: "nobody's session, orders", request: |_| nobody("/orders") },
    Step { says: "nobody's session, users", request: |_| nobody("/users") },
    Step { says: "nobody's session, audit", request: |_| nobody("/audit") },
    Step { says: "no session, orders, bad page", request: |_| Request::get("/orders?limit=many") },
    Step { says: "nobody's session, users, bad page", request: |_| nobody("/users?limit=0") },
    Step { says: "no session, audit, bad page", request: |_| Request::get("/audit?offset=-1") },
];

const NO_ADMIN: &[Step] = &[
    Step { says: "users", request: |_| ben("/users") },
    Step { says: "audit", request: |_| ben("/audit") },
    Step { says: "users, bad page", request: |_| ben("/users?limit=many") },
    Step { says: "audit, bad page", request: |_| ben("/audit?limit=0") },
];

static IN_TURN: Experiment = TURNS;
static PAGES: Experiment = Experiment { plan: Plan::Transcript(Transcript { steps: BAD_PAGES }), ..TURNS };
static UNKNOWN: Experiment = Experiment { plan: Plan::Transcript(Transcript { steps: STRANGERS }), ..TURNS };
static CLERK: Experiment = Experiment { plan: Plan::Transcript(Transcript { steps: NO_ADMIN }), ..TURNS };

// Two checks look at this run.
static SERVED: LazyLock<Report> = LazyLock::new(|| run(&IN_TURN));

fn ada(path: &str) -> Request {
    Request::get(path).bearer(ADA.token)
}

fn ben(path: &str) -> Request {
    Request::get(path).bearer(BEN.token)
}

fn nobody(path: &str) -> Request {
    Request::get(path).bearer("session-of-nobody")
}

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Report {
    let controls = experiment.controls([]).expect("it has no controls");
    Run::of(&LESSON, experiment, ANSWER, controls).judged().report()
}

#[test]
fn whoever_may_ask_gets_the_page_that_they_asked_for() {
    SERVED.assert_holds();
    let expected: [Value; 5] = [
        json!({ "orders": [11, 12], "for": "Ben" }),
        json!({ "orders": (1..=20).collect::<Vec<_>>(), "for": "Ada" }),
        json!({ "users": [249, 250], "for": "Ada" }),
        json!({ "entries": [1], "for": "Ada" }),
        json!("ok"),
    ];
    for (exchange, expected) in SERVED.exchanges().iter().zip(expected) {
        Finding::new(
            exchange.says.as_str(),
            "answer",
            format!("{} {}", shown_status(exchange.status), exchange.body),
            format!("200 {expected}"),
            exchange.status == Some(200) && exchange.body == expected,
            "The lists have to say what they said before, to those who may read them.",
        )
        .assert_holds();
    }
}

#[test]
fn a_page_out_of_bounds_is_refused_at_every_list() {
    let meaning = "A page comes from outside. Each list has to look at it, and in the same way.";
    all_answer(&run(&PAGES), 400, meaning);
}

#[test]
fn a_stranger_is_refused_at_every_list_whatever_the_page() {
    let meaning =
        "Who is asking comes first. Until that is known, nothing is answered, and nothing is explained.";
    all_answer(&run(&UNKNOWN), 401, meaning);
}

#[test]
fn whoever_is_no_administrator_is_refused_at_the_lists_for_administrators() {
    let meaning = "It is known who asks, and they may not: that is 403, and it comes before the page.";
    all_answer(&run(&CLERK), 403, meaning);
}

#[test]
fn the_user_is_looked_up_once_for_each_request() {
    SERVED.assert_holds();
    let lookups = SERVED.counter(Directory::LOOKUPS);
    Finding::new(
        "4 requests with a session",
        "users looked up",
        lookups,
        4,
        lookups == 4,
        "More is work that was done before. Less means that an answer was kept, and who was let go still gets in.",
    )
    .assert_holds();
}

#[track_caller]
fn all_answer(report: &Report, expected: u16, meaning: &str) {
    report.assert_holds();
    for exchange in report.exchanges() {
        Finding::status(exchange.says.as_str(), exchange.status, expected, meaning).assert_holds();
    }
}
