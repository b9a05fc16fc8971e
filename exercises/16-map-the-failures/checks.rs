//! The checks of exercise 16. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: answers over real sockets, and the lines of the log.

use std::{
    collections::BTreeSet,
    io,
    sync::{LazyLock, Mutex, PoisonError},
};

use errors_and_panics::{LESSON, is_problem, notes::Notes, tells_of_our_insides};
use lab::{
    Exchange, Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant, shown_status,
};
use serde_json::json;

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |_| Box::pin(async { crate::app(Notes::open().await) }),
};

/// What succeeds, then every failure once, and the excerpt of a sound note before and after a panic.
static SESSION: Experiment = Experiment {
    slug: "session",
    title: "A session with every failure in it",
    watch: "Is each failure answered?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const STEPS: &[Step] = &[
    Step { says: "a note is written", request: |_| write("tea", "Boil the water.") },
    Step { says: "it is read", request: |_| Request::get("/notes/1") },
    Step { says: "its excerpt is shown", request: |_| Request::get("/notes/1/excerpt") },
    Step { says: "a note with accents is written", request: |_| write("dessert", "Crème brûlée") },
    Step { says: "a title that is taken", request: |_| write("tea", "Again.") },
    Step { says: "a note that does not exist", request: |_| Request::get("/notes/99") },
    Step {
        says: "the excerpt of a note that does not exist",
        request: |_| Request::get("/notes/99/excerpt"),
    },
    Step { says: "a number that is none", request: |_| Request::get("/notes/tea") },
    Step {
        says: "a text of the wrong type",
        request: |_| Request::post("/notes", json!({ "title": "coffee", "text": 7 })),
    },
    Step { says: "an address that does not exist", request: |_| Request::get("/note/1") },
    Step {
        says: "a method that the address does not have",
        request: |_| Request { method: "DELETE".to_owned(), ..Request::get("/notes/1") },
    },
    Step { says: "a fault of the database", request: |_| Request::get("/archive") },
    Step { says: "a database that is away for a moment", request: |_| Request::get("/count") },
    Step { says: "a panic", request: |_| Request::get("/notes/2/excerpt") },
    Step { says: "an excerpt after the panic", request: |_| Request::get("/notes/1/excerpt") },
    Step { says: "and another", request: |_| Request::get("/notes/1/excerpt") },
];

const SOUND: usize = 4;
const CLIENT_FAULTS: [(usize, u16); 7] =
    [(4, 409), (5, 404), (6, 404), (7, 400), (8, 422), (9, 404), (10, 405)];
const DATABASE: usize = 11;
const AWAY: usize = 12;
const PANIC: usize = 13;
const FAILURES: std::ops::RangeInclusive<usize> = 4..=PANIC;

/// The server faults, and a word of each cause.
const CAUSES: [(usize, &str); 3] = [(DATABASE, "archived_notes"), (AWAY, "closed"), (PANIC, "char boundary")];

fn write(title: &str, text: &str) -> Request {
    Request::post("/notes", json!({ "title": title, "text": text }))
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct ToLog;

impl io::Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// All checks look at one run, and at the log that it has left.
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
static REPORT: LazyLock<Report> = LazyLock::new(|| {
    tracing_subscriber::fmt().with_ansi(false).with_writer(|| ToLog).init();
    let controls = SESSION.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, &SESSION, ANSWER, controls).judged().report()
});

#[test]
fn what_succeeds_answers_as_before() {
    let expected = [
        (201, json!({ "id": 1, "title": "tea", "text": "Boil the water." })),
        (200, json!({ "id": 1, "title": "tea", "text": "Boil the water." })),
        (200, json!("Boil the w")),
        (201, json!({ "id": 2, "title": "dessert", "text": "Crème brûlée" })),
    ];
    for (exchange, (status, body)) in exchanges()[..SOUND].iter().zip(expected) {
        let holds = exchange.status == Some(status) && exchange.body == body;
        let seen = format!("{} {}", shown_status(exchange.status), exchange.body);
        let meaning = "Only failures may be answered differently.";
        Finding::new(&exchange.says, "answer", seen, format!("{status} {body}"), holds, meaning)
            .assert_holds();
    }
}

#[test]
fn a_fault_of_the_client_has_the_status_that_says_so() {
    for (step, expected) in CLIENT_FAULTS {
        status(step, expected, "The client can mend this, if the status says what it is.");
    }
}

#[test]
fn a_fault_of_ours_is_500_and_one_that_passes_is_503() {
    status(DATABASE, 500, "A missing table is our fault. Trying again does not help.");
    status(AWAY, 503, "The database will be back. 503 says that it is worth trying again.");
    let away = &exchanges()[AWAY];
    let retry = away.headers.iter().find(|(name, _)| name == "retry-after");
    let seconds = retry.is_some_and(|(_, value)| value.parse::<u32>().is_ok());
    let seen = retry.map_or("none", |(_, value)| value.as_str());
    let meaning = "A client that is told when to come back does not come back at once, with all others.";
    Finding::new(&away.says, "Retry-After", seen, "a number of seconds", seconds, meaning).assert_holds();
}

#[test]
fn a_panic_is_answered_with_500() {
    status(PANIC, 500, "Without an answer the client knows nothing and tries again.");
}

#[test]
fn a_panic_costs_one_request() {
    for step in [PANIC + 1, PANIC + 2] {
        status(step, 200, "The panic left something behind that makes every later request fail.");
    }
}

#[test]
fn every_failure_has_one_shape_and_an_incident_of_its_own() {
    for exchange in &exchanges()[FAILURES] {
        let meaning = "Every failure is `application/problem+json` with `title`, `status` and `incident`, whoever noticed it.";
        let seen = if is_problem(exchange) { "a problem".to_owned() } else { exchange.body.to_string() };
        Finding::new(&exchange.says, "body", seen, "a problem", is_problem(exchange), meaning).assert_holds();
    }
    let incidents: BTreeSet<_> =
        exchanges()[FAILURES].iter().map(|e| e.body["incident"].to_string()).collect();
    let (seen, expected) = (incidents.len(), exchanges()[FAILURES].len());
    let meaning = "Two failures with one id cannot be told apart in the log.";
    Finding::new("all failures", "different incidents", seen, expected, seen == expected, meaning)
        .assert_holds();
}

#[test]
fn no_answer_tells_of_our_insides() {
    for exchange in &exchanges()[FAILURES] {
        let clean = !tells_of_our_insides(&exchange.body);
        let seen = if clean { "nothing".to_owned() } else { exchange.body.to_string() };
        let meaning = "What went wrong inside is for the log. The client needs to know what it can do.";
        Finding::new(&exchange.says, "tells of our insides", seen, "nothing", clean, meaning).assert_holds();
    }
}

#[test]
fn the_cause_of_a_server_fault_is_in_the_log_with_its_incident() {
    exchanges();
    let log = String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    for (step, cause) in CAUSES {
        let exchange = &exchanges()[step];
        let incident = exchange.body["incident"].as_str().filter(|incident| !incident.is_empty());
        let lines = log.lines().filter(|line| incident.is_some_and(|incident| line.contains(incident)));
        let lines: Vec<_> = lines.collect();
        let holds = matches!(lines.as_slice(), [line] if line.contains(cause) && line.contains("ERROR"));
        let meaning =
            "The id in the answer leads to the cause, or nobody finds it again: one line, at level error.";
        let seen = if lines.is_empty() { "none".to_owned() } else { lines.join(" | ") };
        let expected = format!("one, with `{cause}`");
        Finding::new(&exchange.says, "lines with its incident", seen, expected, holds, meaning)
            .assert_holds();
    }
}

#[track_caller]
fn exchanges() -> &'static [Exchange] {
    REPORT.assert_holds();
    REPORT.exchanges()
}

#[track_caller]
fn status(step: usize, expected: u16, meaning: &str) {
    let exchange = &exchanges()[step];
    Finding::status(&exchange.says, exchange.status, expected, meaning).assert_holds();
}
