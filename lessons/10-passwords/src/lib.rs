//! Lesson 10 · Hash passwords slowly, and not too many at once.
//!
//! A password hash is slow and large on purpose: tens of milliseconds of a core, 19 MiB of memory. Whoever can ask for a
//! login can ask for both. So the hash runs off the runtime, behind as many permits as there are cores, in memory that
//! is kept. And its price must not tell anything: the same for an account that does not exist, and for one that is old.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `argon.rs` (the hash
//! function, counted) and `accounts.rs` (the table) serve both sides. `tests/memory.rs` measures what a storm leaves behind.

pub mod accounts;
pub mod argon;
pub mod right;
pub mod wrong;

use lab::{
    Control, Controls, Count, Experiment, Finding, Lesson, Observed, Plan, Question, Report, Request, Side,
    Timeline, Variant,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{ADA, GRACE, PASSWORD},
    argon::POLICY,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 10,
    slug: "passwords",
    title: "Passwords",
    question: Question::Q22,
    saying: "hash passwords with a slow function",
    experiments: &[LOGIN_STORM, UNKNOWN_USERS, OLD_HASHES],
};

/// The body of `POST /login`. No `Debug`: what cannot be printed does not end in a log.
#[derive(Deserialize)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password, as it was typed.
    pub password: String,
}

/// What a login answers. What a real one answers is the subject of lessons 11 and 12.
#[derive(Debug, Deserialize, Serialize)]
pub struct Welcome {
    /// Who was let in.
    pub user: String,
}

/// How many hashes the right way computes at once.
pub const CORES: Control = Control { name: "cores", label: "cores for hashes", min: 1, max: 8, default: 2 };

/// Ten people log in at the same moment.
pub const LOGIN_STORM: Experiment = Experiment {
    slug: "login-storm",
    title: "Ten logins at once",
    watch: "Does the heartbeat go on, and how many hashes are in memory at once?",
    controls: &[Control::WORKERS, Control::REQUESTS, CORES],
    plan: Plan::Timeline(Timeline { requests: |controls| vec![login(ADA, PASSWORD); controls.requests()] }),
    upstream: None,
    variants: &[
        Variant {
            name: "on-the-worker",
            side: Side::Wrong,
            says: "computes the hash in the handler",
            app: |probes| Box::pin(wrong::on_the_worker(probes)),
        },
        Variant {
            name: "spawn-blocking",
            side: Side::Wrong,
            says: "moves each hash to the blocking pool",
            app: |probes| Box::pin(wrong::spawn_blocking(probes)),
        },
        Variant {
            name: "permit",
            side: Side::Right,
            says: "takes a permit first, one for each core, and keeps the memory",
            app: |probes| Box::pin(right::login_service(probes)),
        },
    ],
    judge: judge_storm,
};

/// Wrong logins, every second one for a name that does not exist.
pub const UNKNOWN_USERS: Experiment = Experiment {
    slug: "unknown-users",
    title: "Wrong logins, half of them for nobody",
    watch: "All are refused alike. Does a name that does not exist cost the same work?",
    controls: &[Control::REQUESTS],
    plan: Plan::Count(Count { requests: wrong_logins, at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "early-return",
            side: Side::Wrong,
            says: "refuses at once if there is no such account",
            app: |probes| Box::pin(wrong::early_return(probes)),
        },
        Variant {
            name: "cheap-dummy",
            side: Side::Wrong,
            says: "compares with a dummy hash that was at hand",
            app: |probes| Box::pin(wrong::cheap_dummy(probes)),
        },
        Variant {
            name: "equal-dummy",
            side: Side::Right,
            says: "compares with a dummy hash at today's price",
            app: |probes| Box::pin(right::login_service(probes)),
        },
    ],
    judge: judge_unknown,
};

/// Somebody logs in whose hash was made years ago.
pub const OLD_HASHES: Experiment = Experiment {
    slug: "old-hashes",
    title: "Three logins with an old hash",
    watch: "The price of a hash was raised years ago. How often is the old price paid?",
    controls: &[],
    plan: Plan::Count(Count { requests: |_| vec![login(GRACE, PASSWORD); 3], at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "verify-only",
            side: Side::Wrong,
            says: "raises the parameters in the code",
            app: |probes| Box::pin(wrong::verify_only(probes)),
        },
        Variant {
            name: "rehash-at-login",
            side: Side::Right,
            says: "makes a new hash when the owner of an old one logs in",
            app: |probes| Box::pin(right::login_service(probes)),
        },
    ],
    judge: judge_old,
};

/// A login with that name and that password.
pub fn login(user: &str, password: &str) -> Request {
    Request::post("/login", json!({ "user": user, "password": password }))
}

fn wrong_logins(controls: &Controls) -> Vec<Request> {
    let names = [ADA, "nobody"].into_iter().cycle();
    names.take(controls.requests()).map(|name| login(name, "let me in")).collect()
}

/// What one hash at today's price fills, over all its passes.
pub const MIB_A_HASH: u64 = POLICY.m_cost() as u64 * POLICY.t_cost() as u64 / 1024;

fn judge_storm(report: &Report) -> Vec<Finding> {
    let Observed::Timeline { lanes, beats_meanwhile, .. } = &report.observed else { return Vec::new() };
    let with = |status| lanes.iter().filter(|lane| lane.status == Some(status)).count();
    let (sent, served, turned_away) = (lanes.len(), with(200), with(503));
    let cores = report.controls.get(CORES.name).unwrap_or(1);
    let at_once = report.gauge("hashes at once");
    let memory = at_once * u64::from(POLICY.m_cost()) / 1024;
    // Nobody is turned away while there are seats.
    let seats = right::SEATS + usize::try_from(cores).unwrap_or(usize::MAX);
    vec![
        Finding::new(
            format!("{sent} logins, sent together"),
            "let in",
            if turned_away == 0 {
                served.to_string()
            } else {
                format!("{served}, {turned_away} told to come again")
            },
            if sent <= seats { sent.to_string() } else { format!("at least {seats}") },
            served >= sent.min(seats) && served + turned_away == sent,
            "The answers themselves are not right yet.",
        ),
        Finding::new(
            "a heartbeat beside them",
            "answered meanwhile",
            beats_meanwhile,
            "at least 1",
            *beats_meanwhile > 0,
            "The hash is computed on a thread of the runtime, and everybody else waits for it.",
        ),
        Finding::new(
            "the hashes",
            "most at once",
            format!("{at_once}, in {memory} MiB"),
            format!("at most {cores}"),
            (1..=cores).contains(&at_once),
            "Each holds a thread and 19 MiB, and none is done sooner. A thousand logins are 19 GiB.",
        ),
    ]
}

fn judge_unknown(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let (hashes, filled) = (report.counter("hashes computed"), report.counter("MiB filled"));
    let expected = sent * MIB_A_HASH;
    vec![
        Finding::new(
            format!("{sent} wrong logins"),
            "let in",
            succeeded,
            0,
            succeeded == 0,
            "Somebody was let in with a password that is not theirs.",
        ),
        Finding::new(
            "all of them",
            "hashes computed",
            hashes,
            sent,
            hashes == sent,
            "A name that does not exist is refused without a hash: the time of the answer tells.",
        ),
        Finding::new(
            "those hashes",
            "MiB filled",
            filled,
            expected,
            filled == expected,
            "A name that does not exist costs less: the time of the answer tells.",
        ),
    ]
}

fn judge_old(report: &Report) -> Vec<Finding> {
    let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
    let old = report.counter("hashes at an old price");
    vec![
        Finding::new(
            format!("{sent} logins of one user"),
            "let in",
            succeeded,
            sent,
            succeeded == sent,
            "The right password of an old account has to open it.",
        ),
        Finding::new(
            "those logins",
            "compared at the old price",
            old,
            1,
            old == 1,
            "The stored hash names its own price. Only at a login is the password there to raise it.",
        ),
    ]
}
