//! Lesson 12 · Rotate refresh tokens, and notice when one is used twice.
//!
//! An access token is checked on each request and looked up nowhere, so it has to be short-lived. A refresh token lives
//! long, so it has to be looked up: each use consumes it and issues the next one of its family. A consumed token that
//! comes back is held by two people, and the family is revoked.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `access.rs` (access tokens),
//! `store.rs` (the table) and `users.rs` (who there is) serve both sides.

pub mod access;
pub mod right;
pub mod store;
pub mod users;
pub mod wrong;

use lab::{
    Control, Controls, Exchange, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request,
    Side, Step, Timeline, Transcript, Variant,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 12,
    slug: "refresh-tokens",
    title: "Refresh tokens",
    question: Question::Q22,
    saying: "rotate refresh tokens",
    experiments: &[A_STOLEN_TOKEN, TEN_AT_ONCE],
};

// The three types below hold secrets and have no `Debug`: what cannot be printed does not end in a log.

/// What a login and a refresh answer.
#[derive(Deserialize, Serialize)]
pub struct Tokens {
    /// Opens the profile, for minutes.
    pub access_token: String,
    /// Gets the next access token. Absent where a refresh does not renew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// The body of `POST /login`.
#[derive(Deserialize)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// The body of `POST /refresh`.
#[derive(Deserialize)]
pub struct Refresh {
    /// The refresh token, as it was issued.
    pub refresh_token: String,
}

/// What `GET /profile` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Profile {
    /// The user's name.
    pub user: String,
    /// What the user may do.
    pub role: String,
}

/// A day in the life of a copied refresh token.
pub const A_STOLEN_TOKEN: Experiment = Experiment {
    slug: "a-stolen-token",
    title: "A stolen refresh token",
    watch: "What does the copied token open, and does anybody notice?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[STATELESS, READ_THEN_WRITE, ROTATE],
    judge: judge_theft,
};

/// One refresh token, presented by several clients at the same moment.
pub const TEN_AT_ONCE: Experiment = Experiment {
    slug: "ten-at-once",
    title: "One token, ten refreshes at once",
    watch: "A token may be exchanged once. How many of the ten get a new one?",
    controls: &[Control::REQUESTS, Control::HOLD_MS.default_of(20)],
    plan: Plan::Timeline(Timeline { requests: refreshes }),
    upstream: None,
    variants: &[READ_THEN_WRITE, ROTATE],
    judge: judge_race,
};

const STATELESS: Variant = Variant {
    name: "stateless-jwt",
    side: Side::Wrong,
    says: "signs both tokens with one key and tells them apart by a claim",
    app: |probes| Box::pin(wrong::stateless_jwt(probes)),
};
const READ_THEN_WRITE: Variant = Variant {
    name: "read-then-write",
    side: Side::Wrong,
    says: "looks whether the token is unused, then marks it as used",
    app: |probes| Box::pin(wrong::read_then_write(probes)),
};
const ROTATE: Variant = Variant {
    name: "rotate",
    side: Side::Right,
    says: "consumes the token in one step and revokes the family on reuse",
    app: |probes| Box::pin(right::rotate(probes)),
};

const STEPS: &[Step] = &[
    Step {
        says: "Ada logs in.",
        request: |_| {
            Request::post("/login", json!({ "user": users::ADA.name, "password": users::ADA.password }))
        },
    },
    Step {
        says: "Ada opens her profile with the access token.",
        request: |so_far| Request::get("/profile").bearer(token(so_far, LOGIN, ACCESS)),
    },
    Step {
        says: "Mallory has copied the refresh token and tries it as an access token.",
        request: |so_far| Request::get("/profile").bearer(token(so_far, LOGIN, REFRESH)),
    },
    Step { says: "Ada refreshes.", request: |so_far| refresh_with(token(so_far, LOGIN, REFRESH)) },
    Step {
        says: "Ada opens her profile with the new access token. Is she still an admin?",
        request: |so_far| Request::get("/profile").bearer(token(so_far, REFRESHED, ACCESS)),
    },
    Step {
        says: "Mallory uses the copied token, which Ada has used before.",
        request: |so_far| refresh_with(token(so_far, LOGIN, REFRESH)),
    },
    Step {
        says: "Ada refreshes with the newest token she has.",
        request: |so_far| {
            let newest = token(so_far, REFRESHED, REFRESH);
            refresh_with(if newest.is_empty() { token(so_far, LOGIN, REFRESH) } else { newest })
        },
    },
];

/// The places of the steps in the transcript.
const LOGIN: usize = 0;
const PROFILE: usize = 1;
const REFRESH_AS_ACCESS: usize = 2;
const REFRESHED: usize = 3;
const PROFILE_AFTER: usize = 4;
const REUSED: usize = 5;
const AFTER_REUSE: usize = 6;

const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";

fn token<'a>(so_far: &'a [Exchange], step: usize, field: &str) -> &'a str {
    so_far.get(step).and_then(|exchange| exchange.body[field].as_str()).unwrap_or_default()
}

fn refresh_with(token: &str) -> Request {
    Request::post("/refresh", json!({ "refresh_token": token }))
}

fn refreshes(controls: &Controls) -> Vec<Request> {
    vec![refresh_with(store::ISSUED_BEFORE); controls.requests()]
}

fn judge_theft(report: &Report) -> Vec<Finding> {
    let exchanges = report.exchanges();
    let refused =
        |subject: &str, step, meaning: &str| Finding::status(subject, report.status(step), 401, meaning);
    let honest = [LOGIN, PROFILE, REFRESHED, PROFILE_AFTER];
    let answered = honest.iter().filter(|step| report.status(**step) == Some(200)).count();
    let role =
        exchanges.get(PROFILE_AFTER).and_then(|exchange| exchange.body["role"].as_str()).unwrap_or("none");
    vec![
        Finding::new(
            "Ada's own four requests",
            "answered with 200",
            answered,
            honest.len(),
            answered == honest.len(),
            "The service does not work yet for somebody who does nothing wrong.",
        ),
        refused(
            "a refresh token at the profile",
            REFRESH_AS_ACCESS,
            "A refresh token opens what only an access token should open, for days instead of minutes.",
        ),
        Finding::new(
            "Ada's role after a refresh",
            "role",
            role,
            users::ADA.role,
            role == users::ADA.role,
            "The new access token was built from what the old one carried, and the role was not in it.",
        ),
        refused(
            "a refresh token used twice",
            REUSED,
            "A copied token works beside the real one until it expires, as often as the thief likes.",
        ),
        refused(
            "Ada's newest token after that",
            AFTER_REUSE,
            "Two people hold tokens of this family and the service goes on as if nothing had happened.",
        ),
    ]
}

fn judge_race(report: &Report) -> Vec<Finding> {
    let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
    let with = |status| lanes.iter().filter(|lane| lane.status == Some(status)).count();
    let (won, refused) = (with(200), with(401));
    vec![
        Finding::new(
            format!("{} refreshes with one token", lanes.len()),
            "got new tokens",
            won,
            1,
            won == 1,
            "Between looking and marking there is a gap, and whoever reads in it wins as well.",
        ),
        Finding::new(
            "all others",
            "refused with 401",
            refused,
            lanes.len() - 1,
            refused + 1 == lanes.len(),
            "Each refresh beyond the first is a second branch of the session, which nobody will notice.",
        ),
    ]
}
