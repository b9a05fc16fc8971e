//! The checks of exercise 10. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets, on a runtime with one worker thread. The hash function
//! counts what it is asked to do, and does a sixteenth of it: nobody is judged by a clock or a scale.

use std::sync::LazyLock;

use lab::{Exchange, Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant};
use passwords::{
    LESSON, LOGIN_STORM, OLD_HASHES, UNKNOWN_USERS,
    accounts::{ADA, Accounts, GRACE},
    argon::{Argon, Scale},
    login,
};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| {
        Box::pin(async move {
            crate::app(Accounts::scaled(Scale::SIXTEENTH), Argon::scaled(&probes, Scale::SIXTEENTH))
        })
    },
};

/// Logins one after the other.
static IN_TURN: Experiment = Experiment {
    slug: "in-turn",
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "Ada, with her password", request: |_| right_password(ADA) },
            Step { says: "Grace, with a wrong one", request: |_| login(GRACE, "let me in") },
            Step { says: "Grace, with hers", request: |_| right_password(GRACE) },
            Step { says: "Ada, with a wrong one", request: |_| login(ADA, "A long walk in the rain") },
            Step { says: "Ada, with none", request: |_| login(ADA, "") },
            Step { says: "nobody, with any", request: |_| login("nobody", "let me in") },
            Step { says: "Grace, with hers again", request: |_| right_password(GRACE) },
            Step { says: "Grace, with the wrong one again", request: |_| login(GRACE, "let me in") },
        ],
    }),
    judge: |_| Vec::new(),
    ..OLD_HASHES
};

const RIGHT: [usize; 3] = [0, 2, 6];
const WRONG: [usize; 5] = [1, 3, 4, 5, 7];

/// Only the lesson knows the passwords: its own experiments log Ada and Grace in.
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn right_password(name: &str) -> Request {
    let experiment = if name == ADA { &LOGIN_STORM } else { &OLD_HASHES };
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    match &experiment.plan {
        Plan::Timeline(storm) => (storm.requests)(&controls).remove(0),
        Plan::Count(old) => (old.requests)(&controls).remove(0),
        Plan::Transcript(_) => panic!("neither is a transcript"),
    }
}

// Several checks look at this run.
static STORM: LazyLock<Report> = LazyLock::new(|| run(&LOGIN_STORM).gated().report());

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Run {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, ANSWER, controls).judged()
}

#[test]
fn the_right_password_lets_in_and_all_others_are_refused_alike() {
    let report = run(&IN_TURN).report();

    report.assert_holds();
    let exchanges = report.exchanges();
    for step in RIGHT {
        let meaning =
            "The right password has to open its account, also after somebody has tried a wrong one.";
        status(&exchanges[step], 200, meaning);
    }
    for step in WRONG {
        status(
            &exchanges[step],
            401,
            "Whatever is not the password of the account is refused, and always alike.",
        );
        let refused = &exchanges[WRONG[0]];
        let alike = exchanges[step].body == refused.body && exchanges[step].headers == refused.headers;
        let meaning = "The answers differ, and tell a stranger which names exist.";
        Finding::new(&exchanges[step].says, "answer", shown(alike), shown(true), alike, meaning)
            .assert_holds();
    }
}

fn shown(alike: bool) -> &'static str {
    if alike { "as all refusals" } else { "unlike other refusals" }
}

#[test]
fn ten_logins_are_served_and_a_heartbeat_passes() {
    found("10 logins, sent together");
    found("a heartbeat beside them");
}

#[test]
fn two_hashes_are_computed_at_once_and_no_third() {
    found("the hashes");
    let at_once = STORM.gauge("hashes at once");
    let meaning = "The machine has two cores. With one hash at a time, one of them has nothing to do.";
    Finding::new("the hashes", "most at once", at_once, 2, at_once == 2, meaning).assert_holds();
}

#[test]
fn ten_hashes_need_two_buffers() {
    let buffers = STORM.counter("buffers allocated");
    let meaning =
        "Each buffer is 19 MiB. Given back after each hash, the allocator may keep all of them and more.";
    Finding::new("10 hashes", "buffers allocated", buffers, "at most 2", (1..=2).contains(&buffers), meaning)
        .assert_holds();
}

#[test]
fn a_name_that_does_not_exist_costs_what_others_cost() {
    run(&UNKNOWN_USERS).report().assert_holds();
}

#[test]
fn an_old_hash_is_made_new_when_its_owner_logs_in() {
    run(&OLD_HASHES).report().assert_holds();
}

/// Looks at one finding of the lesson's judge.
#[track_caller]
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn found(subject: &str) {
    let findings = &STORM.verdict.findings;
    // A run that was cut has a finding of its own, and the others mean little then.
    let cut = findings.iter().find(|finding| finding.subject == "the run");
    let finding = cut.or_else(|| findings.iter().find(|finding| finding.subject == subject));
    finding.expect("the lesson's judge has this finding").assert_holds();
}

#[track_caller]
fn status(exchange: &Exchange, expected: u16, meaning: &str) {
    let seen = exchange.status.map_or_else(|| exchange.body.to_string(), |status| status.to_string());
    Finding::new(&exchange.says, "status", seen, expected, exchange.status == Some(expected), meaning)
        .assert_holds();
}
