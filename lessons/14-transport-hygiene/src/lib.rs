//! Lesson 14 · Use HTTPS, and mind what HTTPS does not hide.
//!
//! An encrypted connection ends at your door. Behind it stand logs that write down addresses, a browser that asks for
//! permission before it sends a token, and people who guess. So secrets travel in body and header, CORS is the outermost
//! layer and names its origin, and guesses are counted for each account, in state that all connections share.
//!
//! Read `wrong.rs` first (one can log in), then `right.rs`, then `tests/proof.rs`. `shop.rs` (accounts, profile, access log)
//! serves both sides.

pub mod right;
pub mod shop;
pub mod wrong;

use lab::{
    Count, Exchange, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side, Step,
    Transcript, Variant,
};
use serde_json::json;

use crate::{
    right::FREE,
    shop::{ADA, BOB, Person},
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 14,
    slug: "transport-hygiene",
    title: "Transport hygiene",
    question: Question::Q22,
    saying: "use HTTPS everywhere",
    experiments: &[THE_ACCESS_LOG, PREFLIGHT, TWENTY_GUESSES, SIX_GUESSES],
};

/// The site whose pages may call the API.
pub const SHOP_ORIGIN: &str = "https://shop.example";

/// Ada logs in as the service asks for it, and an operator reads the log.
pub const THE_ACCESS_LOG: Experiment = Experiment {
    slug: "the-access-log",
    title: "What the access log knows",
    watch: "Look at the last answer: what can everybody read who may read the log?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: LOG_STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "query-string",
            side: Side::Wrong,
            says: "takes password and token from the address",
            app: |probes| Box::pin(wrong::query_string(probes)),
        },
        Variant {
            name: "body-and-header",
            side: Side::Right,
            says: "takes the password from the body and the token from a header",
            app: |probes| Box::pin(right::body_and_header(probes)),
        },
    ],
    judge: judge_log,
};

/// A page of the shop calls the API.
pub const PREFLIGHT: Experiment = Experiment {
    slug: "preflight",
    title: "The question that a browser asks first",
    watch: "A browser sends the second request only if the first is answered with 2xx.",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: PREFLIGHT_STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "auth-outside",
            side: Side::Wrong,
            says: "puts the guard around CORS",
            app: |probes| Box::pin(wrong::auth_outside(probes)),
        },
        Variant {
            name: "cors-outermost",
            side: Side::Right,
            says: "puts CORS around the guard",
            app: |probes| Box::pin(right::cors_outermost(probes)),
        },
    ],
    judge: judge_preflight,
};

/// Twenty wrong passwords for one account, each over a connection of its own.
pub const TWENTY_GUESSES: Experiment = Experiment {
    slug: "twenty-guesses",
    title: "Twenty guesses over twenty connections",
    watch: "Five attempts are free. How many passwords are compared?",
    controls: &[],
    plan: Plan::Count(Count { requests: |_| (0..20).map(guess).collect(), at_once: |_| 20 }),
    upstream: None,
    variants: &[
        Variant {
            name: "per-connection",
            side: Side::Wrong,
            says: "puts a rate limit around the route",
            app: |probes| Box::pin(wrong::per_connection(probes)),
        },
        PER_ACCOUNT,
    ],
    judge: judge_guesses,
};

/// Six wrong passwords for one account, and then somebody else.
pub const SIX_GUESSES: Experiment = Experiment {
    slug: "six-guesses",
    title: "Six guesses, and then somebody else",
    watch: "The sixth is refused. Who else is?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: SIX_STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "one-for-all",
            side: Side::Wrong,
            says: "counts all attempts together",
            app: |probes| Box::pin(wrong::one_for_all(probes)),
        },
        PER_ACCOUNT,
    ],
    judge: judge_six,
};

const PER_ACCOUNT: Variant = Variant {
    name: "per-account",
    side: Side::Right,
    says: "counts the attempts for each account, in the state",
    app: |probes| Box::pin(right::per_account(probes)),
};

const LOG_STEPS: &[Step] = &[
    Step { says: "The app asks how to log in.", request: |_| Request::get("/login") },
    Step {
        says: "Ada logs in like that.",
        request: |so_far| match so_far.first().and_then(|form| form.body["login"].as_str()) {
            Some("query") => log_in_by_address(&ADA),
            _ => log_in(&ADA),
        },
    },
    Step {
        says: "Ada opens her profile.",
        request: |so_far| {
            let token = so_far.get(1).and_then(|login| login.body["token"].as_str()).unwrap_or_default();
            match so_far.first().and_then(|form| form.body["token"].as_str()) {
                Some("query") => Request::get(format!("/profile?token={token}")),
                _ => Request::get("/profile").bearer(token),
            }
        },
    },
    Step {
        says: "Mallory, who helps out in operations, reads the access log.",
        request: |_| Request::get("/ops/log"),
    },
];

const PREFLIGHT_STEPS: &[Step] = &[
    Step {
        says: "The browser asks whether the page may call the API with a token.",
        request: |_| Request { method: "OPTIONS".to_owned(), ..Request::get("/profile") },
    },
    Step { says: "The page opens the profile.", request: |_| Request::get("/profile").bearer(ADA.session) },
    Step { says: "A page without a token tries.", request: |_| Request::get("/profile") },
];

const SIX_STEPS: &[Step] = &[
    Step { says: "Mallory guesses at Ada's password.", request: |_| guess(1) },
    Step { says: "She guesses again.", request: |_| guess(2) },
    Step { says: "And again.", request: |_| guess(3) },
    Step { says: "And again.", request: |_| guess(4) },
    Step { says: "And again.", request: |_| guess(5) },
    Step { says: "The sixth guess.", request: |_| guess(6) },
    Step { says: "Bob logs in.", request: |_| log_in(&BOB) },
];

/// A login of that person with the right password.
pub fn log_in(person: &Person) -> Request {
    Request::post("/login", json!({ "user": person.name, "password": person.password }))
}

/// The same with name and password in the address.
pub fn log_in_by_address(person: &Person) -> Request {
    let path = format!("/login?user={}&password={}", person.name, person.password);
    Request { method: "POST".to_owned(), ..Request::get(path) }
}

/// Opens the profile with the session of that person in the address.
pub fn profile_by_address(person: &Person) -> Request {
    Request::get(format!("/profile?token={}", person.session))
}

/// A login as Ada with a wrong password, another one for each number.
pub fn guess(number: u32) -> Request {
    Request::post("/login", json!({ "user": ADA.name, "password": format!("summer-{number}") }))
}

fn expect(report: &Report, step: usize, subject: &str, expected: u16, meaning: &str) -> Finding {
    Finding::status(subject, report.status(step), expected, meaning)
}

fn judge_log(report: &Report) -> Vec<Finding> {
    let log = report.exchanges().get(3).map_or_else(String::new, |log: &Exchange| log.body.to_string());
    let holds_none = |subject: &str, secret: &str, meaning: &str| {
        let lines = log.matches(secret).count();
        Finding::new(subject, "lines of the log that hold it", lines, 0, lines == 0, meaning)
    };
    vec![
        expect(
            report,
            1,
            "Ada's login",
            200,
            "The service does not work for somebody who does nothing wrong.",
        ),
        expect(
            report,
            2,
            "Ada's profile",
            200,
            "The service does not work for somebody who does nothing wrong.",
        ),
        holds_none(
            "her password",
            ADA.password,
            "Addresses are written down: by servers, proxies, browsers, and by whoever sends them on.",
        ),
        holds_none("her session", ADA.session, "Whoever reads this line is Ada until the session ends."),
    ]
}

fn judge_preflight(report: &Report) -> Vec<Finding> {
    vec![
        expect(
            report,
            0,
            "the preflight",
            200,
            "A preflight carries no token. Refused, the browser never sends the request.",
        ),
        expect(
            report,
            1,
            "the request with a token",
            200,
            "The service does not work for somebody who does nothing wrong.",
        ),
        expect(report, 2, "a request without one", 401, "The profile is open to everybody."),
    ]
}

fn judge_guesses(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let compared = report.counter("passwords compared");
    vec![
        Finding::new(
            format!("{sent} wrong passwords"),
            "let in",
            succeeded,
            0,
            succeeded == 0,
            "Somebody was let in with a password that is not theirs.",
        ),
        Finding::new(
            "all of them",
            "passwords compared",
            compared,
            FREE,
            compared == u64::from(FREE),
            "Who opens a new connection is counted from the beginning.",
        ),
    ]
}

fn judge_six(report: &Report) -> Vec<Finding> {
    let refused = (0..5).filter(|step| report.status(*step) == Some(401)).count();
    let retry_after = report.exchanges().get(5).is_some_and(|exchange| {
        exchange.headers.iter().any(|(name, value)| name == "retry-after" && value.parse::<u64>().is_ok())
    });
    vec![
        Finding::new(
            "the first five guesses",
            "refused with 401",
            refused,
            5,
            refused == 5,
            "A person who mistypes a few times has to be let try again.",
        ),
        expect(report, 5, "the sixth", 429, "Nobody counts the attempts."),
        Finding::new(
            "its answer",
            "Retry-After",
            if retry_after { "there" } else { "missing" },
            "there",
            retry_after,
            "A client that is told to wait has to be told how long.",
        ),
        expect(
            report,
            6,
            "Bob, with his password",
            200,
            "Whoever guesses at one account locks out all others.",
        ),
    ]
}
