//! Lesson 23 · Types for the wire.
//!
//! A request, a row and a response are three things, even where they have the same fields today. One struct for all three sends
//! what nobody meant to send, takes what nobody meant to take, and cannot tell "leave it" from "delete it". A type for each is a
//! contract that the compiler keeps.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `users.rs` (the table) serves both sides.

pub mod right;
pub mod users;
pub mod wrong;

use axum::http::Method;
use lab::{
    Control, Controls, Count, Experiment, Finding, Lesson, Plan, Question, Report, Request, Side, Step,
    Transcript, Variant,
};
use serde_json::{Value, json};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 23,
    slug: "wire-contracts",
    title: "Wire contracts",
    question: Question::Q25,
    saying: "never return your entities",
    experiments: &[A_PROFILE, UPLOADS],
};

/// A profile is made, read and changed; somebody tries to make more of it.
pub const A_PROFILE: Experiment = Experiment {
    slug: "a-profile",
    title: "A profile on the wire",
    watch: "What do the answers show that nobody asked for, and what do the requests change?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "one-struct",
            side: Side::Wrong,
            says: "uses the row as request and as response",
            app: |probes| Box::pin(wrong::one_struct(probes)),
        },
        Variant {
            name: "a-response-type",
            side: Side::Wrong,
            says: "declares a response type, where somebody thought of it",
            app: |probes| Box::pin(wrong::a_response_type(probes)),
        },
        Variant {
            name: "three-types",
            side: Side::Right,
            says: "has a type for each request, each response and the row",
            app: |probes| Box::pin(right::three_types(probes)),
        },
    ],
    judge: judge_profile,
};

/// Large bodies, sent to a handler that reads them by itself.
pub const UPLOADS: Experiment = Experiment {
    slug: "uploads",
    title: "Large uploads",
    watch: "How much of it does the service take into memory?",
    controls: &[Control::REQUESTS.default_of(4), MIB],
    plan: Plan::Count(Count { requests: uploads, at_once: Controls::requests }),
    upstream: None,
    variants: &[
        Variant {
            name: "read-it-all",
            side: Side::Wrong,
            says: "reads the raw body to its end",
            app: |probes| Box::pin(wrong::read_it_all(probes)),
        },
        Variant {
            name: "limit",
            side: Side::Right,
            says: "puts a limit around the route",
            app: |probes| Box::pin(right::limited(probes)),
        },
    ],
    judge: judge_uploads,
};

/// How large each upload is.
const MIB: Control = Control { name: "mib", label: "each has (MiB)", min: 1, max: 8, default: 3 };

/// The counter of what was taken into memory.
pub const MIB_IN_MEMORY: &str = "MiB taken into memory";

/// The most that an upload may have, in bytes.
pub const UPLOAD_LIMIT: usize = 64 * 1024;

const STEPS: &[Step] = &[
    Step {
        says: "Ada signs up.",
        request: |_| {
            let body = json!({ "name": "Ada", "password": "correct horse battery", "bio": "Counts." });
            Request::post("/users", body)
        },
    },
    Step { says: "Ada opens her profile.", request: |_| Request::get("/users/1") },
    Step {
        says: "Mallory signs up as well, and adds a field.",
        request: |_| {
            let body = json!({ "name": "Mallory", "password": "let me in", "bio": "", "role": "admin" });
            Request::post("/users", body)
        },
    },
    Step {
        says: "Ada changes her name. She says nothing about the bio.",
        request: |_| patch(json!({ "name": "Ada L." })),
    },
    Step { says: "Ada deletes her bio.", request: |_| patch(json!({ "bio": null })) },
    Step { says: "Ada's client misspells a field.", request: |_| patch(json!({ "nmae": "Ada Lovelace" })) },
    Step {
        says: "Ada wants to be called, and her client forgets the number.",
        request: |_| patch(json!({ "contact": { "by": "phone" } })),
    },
    Step { says: "Somebody lists the users.", request: |_| Request::get("/users") },
];

// The places of the steps in the transcript.
const SIGNED_UP: usize = 0;
const PROFILE: usize = 1;
const RENAMED: usize = 3;
const BIO_DELETED: usize = 4;
const MISSPELLED: usize = 5;
const NO_NUMBER: usize = 6;
const LISTED: usize = 7;

/// A change of the first user's profile.
pub fn patch(body: Value) -> Request {
    Request { method: Method::PATCH.to_string(), ..Request::post("/users/1", body) }
}

fn uploads(controls: &Controls) -> Vec<Request> {
    let mib = controls.get(MIB.name).unwrap_or(MIB.default);
    let bytes = usize::try_from(mib).unwrap_or(1) << 20;
    // Two quotation marks are sent around it.
    let body = json!("a".repeat(bytes - 2));
    vec![
        Request { method: Method::PUT.to_string(), ..Request::post("/users/1/avatar", body) };
        controls.requests()
    ]
}

/// Whether a body tells of the secrets in the row.
pub fn leaks(body: &Value) -> bool {
    let body = body.to_string();
    ["hash", "argon2", "password"].iter().any(|word| body.contains(word))
}

fn judge_profile(report: &Report) -> Vec<Finding> {
    let exchanges = report.exchanges();
    let body = |step: usize| exchanges.get(step).map_or(&Value::Null, |exchange| &exchange.body);

    let honest = [SIGNED_UP, PROFILE, RENAMED, BIO_DELETED, LISTED];
    let served = honest.iter().filter(|step| matches!(report.status(**step), Some(200 | 201))).count();
    // An error may name the field `password`; only an answer of 2xx shows a row.
    let leaking = exchanges.iter().filter(|exchange| matches!(exchange.status, Some(200 | 201)));
    let leaking = leaking.filter(|exchange| leaks(&exchange.body)).count();
    let users = body(LISTED).as_array().map(Vec::as_slice).unwrap_or_default();
    let admins = users.iter().filter(|user| user["role"] == "admin").count();
    let bio_of = |step: usize| body(step)["bio"].to_string();
    let named = body(NO_NUMBER).to_string().contains("number");
    vec![
        Finding::new(
            "Ada's own requests",
            "answered with 2xx",
            served,
            honest.len(),
            served == honest.len(),
            "The service does not work yet for somebody who does nothing wrong.",
        ),
        Finding::new(
            "all answers",
            "show a password's hash",
            leaking,
            0,
            leaking == 0,
            "Whoever may see a profile can take the hash home and guess in peace.",
        ),
        Finding::new(
            "Mallory's extra field",
            "admins afterwards",
            admins,
            0,
            admins == 0,
            "The request set a field of the row that no form shows: mass assignment.",
        ),
        Finding::new(
            "a new name, nothing said of the bio",
            "bio",
            bio_of(RENAMED),
            "\"Counts.\"",
            bio_of(RENAMED) == "\"Counts.\"",
            "What the client left out was taken for \"empty\", and is lost.",
        ),
        Finding::new(
            "the bio set to null",
            "bio",
            bio_of(BIO_DELETED),
            "null",
            report.status(BIO_DELETED) == Some(200) && bio_of(BIO_DELETED) == "null",
            "null and absent read as one value here, so there is no way to say \"delete it\".",
        ),
        Finding::status(
            "a misspelled field",
            report.status(MISSPELLED),
            422,
            "The client is told that it worked, and nothing has changed.",
        ),
        Finding::new(
            "a phone without a number",
            "the answer names the field",
            if named { "yes" } else { "no" },
            "yes",
            report.status(NO_NUMBER) == Some(422) && named,
            "The client learns that something is wrong, and not what: an untagged enum tries all variants and names none.",
        ),
    ]
}

fn judge_uploads(report: &Report) -> Vec<Finding> {
    let lab::Observed::Count { sent, succeeded } = &report.observed else { return Vec::new() };
    let taken = report.counter(MIB_IN_MEMORY);
    let mib = report.controls.get(MIB.name).unwrap_or(MIB.default);
    let meaning = "A few clients with large bodies decide how much memory the service needs.";
    vec![
        Finding::new(
            format!("{sent} uploads of {mib} MiB"),
            "MiB taken into memory",
            taken,
            0,
            taken == 0,
            meaning,
        ),
        Finding::new("the same uploads", "accepted", succeeded, 0, *succeeded == 0, meaning),
    ]
}
