//! Lesson 05 · Work that must not be lost is written down before it is promised.
//!
//! A spawned task lives in the memory of one process. A deploy ends the process a few seconds later, a crash at once. Work
//! that may be lost in a crash has to be waited for at a stop; work that may not has to be stored in the same transaction
//! as what it belongs to, and sent from there.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `machine.rs` (a process that
//! can be stopped and cut off) and `world.rs` (database and mail server, which outlive it) serve both sides.

mod machine;
pub mod right;
pub mod world;
pub mod wrong;

use axum::{
    Json, Router,
    extract::{Request as Incoming, State},
    http::StatusCode,
    routing::{get, post},
};
use lab::{Experiment, Finding, Lesson, Plan, Question, Report, Request, Side, Step, Transcript, Variant};
use serde_json::{Value, json};

pub use machine::{Door, Machine, Main, MainFuture, State as ProcessState};
pub use world::{Line, MailRefused, MailServer, REFUSED, SignUp, World};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 5,
    slug: "background-work",
    title: "Background work that survives",
    question: Question::Q20,
    saying: "do it in a background task",
    experiments: &[A_DEPLOY, A_CRASH],
};

/// A new version is deployed while a mail is on its way.
pub const A_DEPLOY: Experiment = Experiment {
    slug: "a-deploy",
    title: "A deploy while a mail is on its way",
    watch: "Ada's sign-up was answered with 201. Does her mail arrive?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: DEPLOY }),
    upstream: None,
    variants: &[SPAWNED, TRACKED, OUTBOX],
    judge,
};

/// The power fails while a mail is on its way.
pub const A_CRASH: Experiment = Experiment {
    slug: "a-crash",
    title: "A crash while a mail is on its way",
    watch: "Nobody could wait for anything this time. Does Ada's mail arrive all the same?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: CRASH }),
    upstream: None,
    // Waiting for one's tasks is no help here, so the same code stands on the other side.
    variants: &[SPAWNED, Variant { side: Side::Wrong, ..TRACKED }, OUTBOX],
    judge,
};

const SPAWNED: Variant = Variant {
    name: "spawned",
    side: Side::Wrong,
    says: "sends the mail in a spawned task",
    app: |_| Box::pin(async { service(|world, door, stop| Box::pin(wrong::spawned(world, door, stop))) }),
};
const TRACKED: Variant = Variant {
    name: "tracked",
    side: Side::Right,
    says: "sends the mail in a task that is waited for at the end",
    app: |_| Box::pin(async { service(|world, door, stop| Box::pin(right::tracked(world, door, stop))) }),
};
const OUTBOX: Variant = Variant {
    name: "outbox",
    side: Side::Right,
    says: "stores the mail with the account, and sends it from there",
    app: |_| Box::pin(async { service(|world, door, stop| Box::pin(right::outbox(world, door, stop))) }),
};

fn press(path: &str) -> Request {
    Request { method: "POST".to_owned(), ..Request::get(path) }
}

const SIGN_UP: Step = Step {
    says: "Ada signs up. The mail server is slow this morning.",
    request: |_| Request::post("/signups", json!({ "email": "ada@example.com" })),
};
const ANSWERS: Step =
    Step { says: "The mail server takes mail again.", request: |_| press("/mail-server/up") };
const INBOX: Step = Step { says: "Whose mail has arrived?", request: |_| Request::get("/mail-server/inbox") };

const DEPLOY: &[Step] = &[
    SIGN_UP,
    Step {
        says: "A new version is deployed: the process is asked to stop.",
        request: |_| press("/machine/stop"),
    },
    ANSWERS,
    Step { says: "The old process has ended.", request: |_| press("/machine/ended") },
    INBOX,
];

const CRASH: &[Step] = &[
    SIGN_UP,
    Step { says: "The power fails.", request: |_| press("/machine/crash") },
    ANSWERS,
    Step { says: "The power is back.", request: |_| press("/machine/start") },
    Step { says: "In the evening the process is asked to stop.", request: |_| press("/machine/stop") },
    Step { says: "It has ended.", request: |_| press("/machine/ended") },
    INBOX,
];

fn service(main: Main) -> Router {
    run_on(Machine::new(main, World::new()))
}

/// The machine's service, with doors for an experiment: to the machine, and to the mail server.
pub fn run_on(machine: Machine) -> Router {
    async fn stop(State(machine): State<Machine>) -> Json<Value> {
        let process = match machine.stop().await {
            ProcessState::Ended => "has ended",
            _ => "has something to finish",
        };
        Json(json!({ "process": process }))
    }
    async fn ended(State(machine): State<Machine>) -> StatusCode {
        machine.ended().await;
        StatusCode::NO_CONTENT
    }
    async fn crash(State(machine): State<Machine>) -> StatusCode {
        machine.crash().await;
        StatusCode::NO_CONTENT
    }
    async fn start(State(machine): State<Machine>) -> StatusCode {
        machine.start().await;
        StatusCode::NO_CONTENT
    }
    async fn up(State(machine): State<Machine>) -> StatusCode {
        machine.world().mail.set_line(Line::Up);
        StatusCode::NO_CONTENT
    }
    async fn inbox(State(machine): State<Machine>) -> Json<Vec<String>> {
        Json(machine.world().mail.inbox())
    }
    Router::new()
        .route("/machine/stop", post(stop))
        .route("/machine/ended", post(ended))
        .route("/machine/crash", post(crash))
        .route("/machine/start", post(start))
        .route("/mail-server/up", post(up))
        .route("/mail-server/inbox", get(inbox))
        .fallback(
            |State(machine): State<Machine>, request: Incoming| async move { machine.call(request).await },
        )
        .with_state(machine)
}

fn judge(report: &Report) -> Vec<Finding> {
    let exchanges = report.exchanges();
    let arrived = exchanges.last().map_or(&Value::Null, |exchange| &exchange.body);
    let expected = json!(["ada@example.com"]);
    vec![
        Finding::status(
            "Ada's sign-up",
            report.status(0),
            201,
            "The answer must not wait for the mail server.",
        ),
        Finding::new(
            "the mail that it promised",
            "arrived",
            arrived,
            &expected,
            *arrived == expected,
            "The mail was in the memory of a process that is gone. Nobody knows that it is missing.",
        ),
    ]
}
