//! Lesson 22 · Parse, don't validate.
//!
//! A check looks at a value, says yes, and hands the same text on: everybody behind it has to trust that somebody looked. A
//! parser turns the text into a type that cannot be wrong, and the compiler keeps the promise. That holds only if there
//! is no second way to make the type, only if all faults are told at once, and only for what one value can say about itself:
//! whether a name is taken is known to the database alone.
//!
//! Read `wrong.rs` first (it passes a functional test), then `fields.rs` and `right.rs`, then `tests/proof.rs`. `accounts.rs`
//! (the table) and `refusal.rs` (how a service says no) serve both sides.

pub mod accounts;
pub mod fields;
pub mod refusal;
pub mod right;
pub mod wrong;

use std::collections::BTreeSet;

use lab::{
    Control, Controls, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side, Step,
    Timeline, Transcript, Variant,
};
use serde_json::{Value, json};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 22,
    slug: "parse-dont-validate",
    title: "Parse, don't validate",
    question: Question::Q25,
    saying: "validate at the edge",
    experiments: &[SIGN_UP_FORM, TEN_SIGN_UPS],
};

/// One sound form and three that are not.
pub const SIGN_UP_FORM: Experiment = Experiment {
    slug: "sign-up-form",
    title: "A sign-up form",
    watch: "Who gets an account, and how many faults does one answer name?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "derived-newtype",
            side: Side::Wrong,
            says: "wraps each field in a type with a checking constructor, and derives Deserialize",
            app: |probes| Box::pin(wrong::derived_newtype(probes)),
        },
        Variant {
            name: "validate-and-reuse",
            side: Side::Wrong,
            says: "checks the form, then hands the same strings on",
            app: |probes| Box::pin(wrong::validate_and_reuse(probes)),
        },
        Variant {
            name: "first-error",
            side: Side::Wrong,
            says: "lets serde build the checked types, field by field",
            app: |probes| Box::pin(wrong::first_error(probes)),
        },
        PARSE,
    ],
    judge: judge_form,
};

/// Ten people want one address at the same moment.
pub const TEN_SIGN_UPS: Experiment = Experiment {
    slug: "ten-sign-ups",
    title: "Ten sign-ups, one address",
    watch: "An address belongs to one account. How many of the ten get one?",
    controls: &[Control::REQUESTS, Control::HOLD_MS.default_of(20)],
    plan: Plan::Timeline(Timeline {
        requests: |controls: &Controls| vec![sign_up("ada", "ada@example.com", 36); controls.requests()],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "check-then-insert",
            side: Side::Wrong,
            says: "asks whether the address is free, then inserts",
            app: |probes| Box::pin(wrong::check_then_insert(probes)),
        },
        Variant { says: "inserts, and lets a UNIQUE constraint decide", ..PARSE },
    ],
    judge: judge_race,
};

const PARSE: Variant = Variant {
    name: "parse",
    side: Side::Right,
    says: "turns the form into types that cannot be wrong, and reports all its faults",
    app: |probes| Box::pin(right::parse(probes)),
};

/// The path of the sign-up.
pub const SIGN_UP: &str = "/sign-ups";
/// The path of the list of accounts, which only the experiment asks for.
pub const ACCOUNTS: &str = "/accounts";

const STEPS: &[Step] = &[
    Step { says: "Ada signs up.", request: |_| sign_up("ada", "ada@example.com", 36) },
    Step { says: "Somebody sends a form with three faults.", request: |_| sign_up("", "nowhere", 7) },
    Step {
        says: "Mallory signs up as `аda`. The first letter is Cyrillic.",
        request: |_| sign_up("\u{430}da", "mallory@example.com", 36),
    },
    Step {
        says: "Ada's address comes again, in another spelling.",
        request: |_| sign_up("ada2", " ADA@Example.com", 36),
    },
    Step { says: "We look at the accounts.", request: |_| Request::get(ACCOUNTS) },
];

// The places of the steps in the transcript.
const SOUND: usize = 0;
const THREE_FAULTS: usize = 1;
const CYRILLIC: usize = 2;
const OTHER_SPELLING: usize = 3;
const LISTED: usize = 4;

/// The fields of the form, as they are named on the wire.
const FIELDS: [&str; 3] = ["username", "email", "age"];

fn sign_up(username: &str, email: &str, age: i64) -> Request {
    Request::post(SIGN_UP, json!({ "username": username, "email": email, "age": age }))
}

/// The fields that an answer names, whatever the shape of its body is.
fn named(body: &Value) -> BTreeSet<&'static str> {
    let text = body.to_string();
    // Whole words: `age` is also a part of "message".
    let words: BTreeSet<_> = text.split(|c: char| !c.is_alphanumeric()).collect();
    FIELDS.into_iter().filter(|field| words.contains(field)).collect()
}

fn judge_form(report: &Report) -> Vec<Finding> {
    let exchanges = report.exchanges();
    let at = |step: usize| exchanges.get(step);
    let status = |step: usize, subject: &str, expected: u16, meaning: &str| {
        Finding::status(subject, report.status(step), expected, meaning)
    };
    let named = at(THREE_FAULTS).map(|exchange| named(&exchange.body)).unwrap_or_default().len();
    let accounts = at(LISTED).and_then(|exchange| exchange.body.as_array()).map_or(0, Vec::len);
    vec![
        status(
            SOUND,
            "a sound form",
            201,
            "The service does not work yet for somebody who does nothing wrong.",
        ),
        status(
            THREE_FAULTS,
            "a form with three faults",
            422,
            "An empty name, no address and a child of seven have an account: something was never asked.",
        ),
        Finding::new(
            "the answer to it",
            "fields named",
            named,
            FIELDS.len(),
            named == FIELDS.len(),
            match named {
                0 => "Nobody is told that anything is wrong.",
                _ => "Who fills in the form learns of one fault at a time, and sends it once more for each.",
            },
        ),
        status(
            CYRILLIC,
            "a name that only looks like `ada`",
            422,
            "The rule says \"letters\" and means thousands of them. Two names look alike to everybody but the computer.",
        ),
        status(
            OTHER_SPELLING,
            "a known address, spelled differently",
            409,
            "What was checked is not what was stored: one mailbox has two accounts.",
        ),
        Finding::new(
            "all of it",
            "accounts at the end",
            accounts,
            1,
            accounts == 1,
            "Accounts exist that the rules of the service forbid.",
        ),
    ]
}

fn judge_race(report: &Report) -> Vec<Finding> {
    let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
    let with = |status| lanes.iter().filter(|lane| lane.status == Some(status)).count();
    let (made, conflicts) = (with(201), with(409));
    let rows = report.counter(accounts::ROWS);
    vec![
        Finding::new(
            format!("{} sign-ups with one address", lanes.len()),
            "rows inserted",
            rows,
            1,
            rows == 1,
            "Between the question and the insert there is a gap. Whoever asks in it hears \"free\" as well.",
        ),
        Finding::new(
            "one of them",
            "answered with 201",
            made,
            1,
            made == 1,
            "Several people believe that the address is theirs.",
        ),
        Finding::new(
            "all others",
            "answered with 409",
            conflicts,
            lanes.len() - 1,
            conflicts + 1 == lanes.len(),
            "A taken address is the client's to mend: it needs a 409, neither a second account nor a 500.",
        ),
    ]
}
