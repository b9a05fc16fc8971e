//! Lesson 16 · Errors and panics.
//!
//! A failure has two readers. The client needs to know what it can do: a status, and a text that says nothing of our insides. We need
//! to know what happened: the cause, once, in the log, with an id that both can name. One error type is the place where
//! the two are told apart. And a panic has no reader at all, unless a layer turns it into an error.
//!
//! Read `wrong.rs` first (it passes a functional test), then `error.rs` and `right.rs`, then `tests/proof.rs`. `notes.rs` (the
//! table, and a function with a bug) serves both sides.

pub mod error;
pub mod notes;
pub mod right;
pub mod wrong;

use lab::{
    Exchange, Experiment, Finding, Lesson, Plan, Question, Report, Request, Side, Step, Transcript, Variant,
};
use serde_json::{Value, json};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 16,
    slug: "errors-and-panics",
    title: "Errors and panics",
    question: Question::Q23,
    saying: "handle your errors",
    experiments: &[WHAT_A_CLIENT_SEES, AFTER_A_PANIC],
};

/// Two requests that succeed, then one for each way to fail.
pub const WHAT_A_CLIENT_SEES: Experiment = Experiment {
    slug: "what-a-client-sees",
    title: "Seven ways to fail",
    watch: "What can the client do with each answer, and what does it learn about our insides?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "unwrap",
            side: Side::Wrong,
            says: "unwraps what cannot fail in the demo",
            app: |probes| Box::pin(wrong::unwrap(probes)),
        },
        Variant {
            name: "text-of-the-database",
            side: Side::Wrong,
            says: "answers 500 with the text of the error",
            app: |probes| Box::pin(wrong::text_of_the_database(probes)),
        },
        Variant {
            name: "always-200",
            side: Side::Wrong,
            says: "answers 200 with `ok: false`",
            app: |probes| Box::pin(wrong::always_200(probes)),
        },
        Variant {
            name: "one-error-type",
            side: Side::Right,
            says: "maps every failure in one place, panics included",
            app: |probes| Box::pin(right::one_error_type(probes)),
        },
    ],
    judge: judge_answers,
};

/// A panic inside a lock, and the requests after it.
pub const AFTER_A_PANIC: Experiment = Experiment {
    slug: "after-a-panic",
    title: "After a panic",
    watch: "The panic is caught. Does the next request, which has nothing wrong with it, succeed?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: AFTER_STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "panic-in-a-lock",
            side: Side::Wrong,
            says: "catches panics, and computes while it holds a lock",
            app: |probes| Box::pin(wrong::panic_in_a_lock(probes)),
        },
        Variant {
            name: "compute-then-lock",
            side: Side::Right,
            says: "computes first, and locks for one assignment",
            app: |probes| Box::pin(right::compute_then_lock(probes)),
        },
    ],
    judge: judge_afterwards,
};

const STEPS: &[Step] = &[
    Step { says: "Ada writes a note.", request: |_| write(SOUND, "Boil the water.") },
    Step { says: "Ada reads it.", request: |_| Request::get("/notes/1") },
    Step { says: "Ada writes a note with the same title.", request: |_| write(SOUND, "Again.") },
    Step { says: "Ada reads a note that does not exist.", request: |_| Request::get("/notes/99") },
    Step { says: "Ada asks for note number `tea`.", request: |_| Request::get("/notes/tea") },
    Step {
        says: "Ada's client sends a number as the text.",
        request: |_| Request::post("/notes", json!({ "title": "coffee", "text": 7 })),
    },
    Step { says: "Ada mistypes the address.", request: |_| Request::get("/note/1") },
    Step { says: "Ada opens the archive. Its table was forgotten.", request: |_| Request::get("/archive") },
    Step { says: "Ada writes a note with accents.", request: |_| write("dessert", "Crème brûlée") },
    Step {
        says: "Ada asks for its excerpt. That code has a bug.",
        request: |_| Request::get("/notes/2/excerpt"),
    },
];

// The places of the steps in the transcript.
const HONEST: [usize; 3] = [0, 1, 8];
const TAKEN: usize = 2;
const ABSENT: usize = 3;
const NO_NUMBER: usize = 4;
const NO_TEXT: usize = 5;
const NO_ROUTE: usize = 6;
const DATABASE: usize = 7;
const PANIC: usize = 9;

/// Each failure and the status that tells the client what to do about it.
const FAILURES: [(usize, &str, u16); 7] = [
    (TAKEN, "a title that is taken", 409),
    (ABSENT, "a note that does not exist", 404),
    (NO_NUMBER, "a number that is none", 400),
    (NO_TEXT, "a text of the wrong type", 422),
    (NO_ROUTE, "an address that does not exist", 404),
    (DATABASE, "a fault of the database", 500),
    (PANIC, "a panic", 500),
];

const AFTER_STEPS: &[Step] = &[
    Step { says: "Ada writes a note.", request: |_| write(SOUND, "Boil the water.") },
    Step { says: "Ada writes one with accents.", request: |_| write("dessert", "Crème brûlée") },
    Step { says: "Ada asks for the excerpt of the first.", request: |_| Request::get("/notes/1/excerpt") },
    Step {
        says: "Grace asks for that of the second, and hits the bug.",
        request: |_| Request::get("/notes/2/excerpt"),
    },
    Step { says: "Ada asks for the first once more.", request: |_| Request::get("/notes/1/excerpt") },
    Step { says: "And once more.", request: |_| Request::get("/notes/1/excerpt") },
];

const SOUND: &str = "tea";

/// Words that only our insides use.
const INSIDES: [&str; 7] = ["sqlite", "constraint", "table", "rows", "pool", "boundary", "panicked"];

/// Whether a body holds a word that only our insides use. Whole words: "acceptable" has nothing to do with tables.
pub fn tells_of_our_insides(body: &Value) -> bool {
    let body = body.to_string().to_lowercase();
    body.split(|c: char| !c.is_alphanumeric()).any(|word| INSIDES.contains(&word))
}

fn write(title: &str, text: &str) -> Request {
    Request::post("/notes", json!({ "title": title, "text": text }))
}

/// Whether an answer is a problem document whose status is the status of the answer, and which can be quoted.
pub fn is_problem(exchange: &Exchange) -> bool {
    let content_type = exchange.headers.iter().find(|(name, _)| name == "content-type");
    content_type.is_some_and(|(_, value)| value == error::PROBLEM)
        && exchange.body["status"].as_u64() == exchange.status.map(u64::from)
        && exchange.body["title"].as_str().is_some_and(|title| !title.is_empty())
        && exchange.body["incident"].as_str().is_some_and(|incident| !incident.is_empty())
}

fn judge_answers(report: &Report) -> Vec<Finding> {
    let exchanges = report.exchanges();
    let at = |step: usize| exchanges.get(step);
    let honest = HONEST.iter().filter(|step| matches!(report.status(**step), Some(200 | 201))).count();
    let mut findings = vec![Finding::new(
        "three requests that may succeed",
        "answered with 2xx",
        honest,
        HONEST.len(),
        honest == HONEST.len(),
        "The service does not work yet for somebody who does nothing wrong.",
    )];
    for (step, subject, expected) in FAILURES {
        let seen = report.status(step);
        let meaning = match seen {
            None => {
                "The handler panicked and took the connection with it. A client that gets no answer tries again."
            }
            Some(200) => "Proxies, metrics, retries and every client library take this answer for a success.",
            Some(500) => "The client is told that the fault is ours. It was its own, and it can mend it.",
            Some(_) => "The status says something else than what happened.",
        };
        findings.push(Finding::status(subject, seen, expected, meaning));
    }
    let leaks = FAILURES
        .iter()
        .filter_map(|(step, ..)| at(*step))
        .filter(|exchange| tells_of_our_insides(&exchange.body));
    let leaks = leaks.count();
    findings.push(Finding::new(
        "the answers to seven failures",
        "tell of our insides",
        leaks,
        0,
        leaks == 0,
        "Names of tables and columns help nobody but an attacker. The cause belongs into the log.",
    ));
    let problems = FAILURES.iter().filter_map(|(step, ..)| at(*step)).filter(|e| is_problem(e)).count();
    findings.push(Finding::new(
        "the same answers",
        "one shape, with an id to quote",
        problems,
        FAILURES.len(),
        problems == FAILURES.len(),
        "A client needs one piece of code for all errors, and whoever reports one needs something to quote.",
    ));
    findings
}

fn judge_afterwards(report: &Report) -> Vec<Finding> {
    let after = [4, 5].into_iter().filter(|step| report.status(*step) == Some(200)).count();
    vec![
        Finding::status(
            "an excerpt before the panic",
            report.status(2),
            200,
            "The service does not work yet for somebody who does nothing wrong.",
        ),
        Finding::status(
            "the request that panics",
            report.status(3),
            500,
            "A panic has to cost one request, and that request needs an answer.",
        ),
        Finding::new(
            "two excerpts after it",
            "answered with 200",
            after,
            2,
            after == 2,
            "The panic poisoned the lock. Each later request that takes it panics in turn, until the process is started anew.",
        ),
    ]
}
