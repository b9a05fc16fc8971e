//! The checks of exercise 22. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets.

use std::{collections::BTreeSet, sync::LazyLock};

use lab::{
    Exchange, Experiment, Finding, Plan, Report, Request, Run, Side, Step, Timeline, Transcript, Variant,
};
use parse_dont_validate::{
    ACCOUNTS, LESSON, SIGN_UP, TEN_SIGN_UPS,
    accounts::{Accounts, ROWS},
};
use serde_json::{Value, json};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |probes| Box::pin(async move { crate::app(Accounts::open(&probes).await) }),
};

const PARTNERS: &str = "/partners/sign-ups";

/// Forms that are sound, at both doors, and what is in the table afterwards.
static SOUND: Experiment = Experiment {
    slug: "sound-forms",
    title: "Sound forms",
    watch: "Is what is stored what was checked?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step {
                says: "signs up with capital letters and a space",
                request: |_| form(SIGN_UP, json!("Ada_1"), json!(" Ada@Example.com "), json!(18)),
            },
            Step {
                says: "signs up through a partner",
                request: |_| form(PARTNERS, json!("Grace"), json!("GRACE@example.org"), json!(120)),
            },
            Step {
                says: "signs up with the longest name and the shortest address",
                request: |_| form(SIGN_UP, json!("a".repeat(20)), json!("x@y"), json!(60)),
            },
            Step {
                says: "signs up with the shortest name, through a partner",
                request: |_| form(PARTNERS, json!("a_1"), json!("alan@example.net"), json!(60)),
            },
            Step { says: "looks at the accounts", request: |_| Request::get(ACCOUNTS) },
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

/// Forms that are not sound, each with the fields that are at fault.
static FAULTY: Experiment = Experiment {
    slug: "faulty-forms",
    title: "Faulty forms",
    watch: "Is every fault named?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step {
                says: "a form with three faults",
                request: |_| form(SIGN_UP, json!(""), json!("nowhere"), json!(7)),
            },
            Step {
                says: "a form with two faults, from a partner",
                request: |_| form(PARTNERS, json!("ada"), json!("@example.com"), json!(121)),
            },
            Step {
                says: "a name with a Cyrillic letter",
                request: |_| form(SIGN_UP, json!("\u{430}da"), json!("ada@example.com"), json!(36)),
            },
            Step {
                says: "a name of 21 letters, from a partner",
                request: |_| form(PARTNERS, json!("a".repeat(21)), json!("ada@example.com"), json!(36)),
            },
            Step {
                says: "an age of 274",
                request: |_| form(SIGN_UP, json!("ada"), json!("ada@example.com"), json!(274)),
            },
            Step {
                says: "a form without a name, its address null",
                request: |_| Request::post(SIGN_UP, json!({ "email": null, "age": 36 })),
            },
            Step {
                says: "a name with a space inside, from a partner",
                request: |_| form(PARTNERS, json!("a da"), json!("ada@example.com"), json!(36)),
            },
            Step {
                says: "an address with a line break inside",
                request: |_| form(SIGN_UP, json!("ada"), json!("ada@example.com\r\nBcc: all"), json!(36)),
            },
            Step {
                says: "an address with a space inside, from a partner",
                request: |_| form(PARTNERS, json!("ada"), json!("ada@example com"), json!(36)),
            },
            Step {
                says: "an address with a bell inside",
                request: |_| form(SIGN_UP, json!("ada"), json!("ada\u{7}@example.com"), json!(36)),
            },
            Step {
                says: "a name with spaces around it, an address that ends with its @, an age of 17",
                request: |_| form(SIGN_UP, json!(" ada "), json!("ada@"), json!(17)),
            },
            Step {
                says: "a name of two letters, an address with two @, an age below zero, from a partner",
                request: |_| form(PARTNERS, json!("ad"), json!("ada@home@example.com"), json!(-36)),
            },
            Step { says: "looks at the accounts", request: |_| Request::get(ACCOUNTS) },
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

/// What is wrong with each step of [`FAULTY`], but the last.
const AT_FAULT: [&[&str]; 12] = [
    &["/username", "/email", "/age"],
    &["/email", "/age"],
    &["/username"],
    &["/username"],
    &["/age"],
    &["/username", "/email"],
    &["/username"],
    &["/email"],
    &["/email"],
    &["/email"],
    &["/username", "/email", "/age"],
    &["/username", "/email", "/age"],
];

/// Names and addresses that are taken, spelled in more than one way.
static TAKEN: Experiment = Experiment {
    slug: "taken",
    title: "Taken names and addresses",
    watch: "Does a name or an address get a second account?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step {
                says: "signs up",
                request: |_| form(SIGN_UP, json!("ada"), json!("ada@example.com"), json!(36)),
            },
            Step {
                says: "the same address in capitals, from a partner",
                request: |_| form(PARTNERS, json!("ada2"), json!("ADA@example.com"), json!(36)),
            },
            Step {
                says: "the same address with a space",
                request: |_| form(SIGN_UP, json!("ada3"), json!("ada@example.com "), json!(36)),
            },
            Step {
                says: "the same name in capitals",
                request: |_| form(SIGN_UP, json!("ADA"), json!("other@example.com"), json!(36)),
            },
            Step { says: "looks at the accounts", request: |_| Request::get(ACCOUNTS) },
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

/// The lesson's race, at the other door.
static TEN_PARTNERS: Experiment = Experiment {
    plan: Plan::Timeline(Timeline {
        requests: |controls| {
            let one = form(PARTNERS, json!("ada"), json!("ada@example.com"), json!(36));
            vec![one; controls.requests()]
        },
    }),
    ..TEN_SIGN_UPS
};

fn form(path: &str, username: Value, email: Value, age: Value) -> Request {
    Request::post(path, json!({ "username": username, "email": email, "age": age }))
}

// Several checks look at each of these runs.
static SOUND_FORMS: LazyLock<Report> = LazyLock::new(|| run(&SOUND).report());
static FAULTY_FORMS: LazyLock<Report> = LazyLock::new(|| run(&FAULTY).report());
static TAKEN_FORMS: LazyLock<Report> = LazyLock::new(|| run(&TAKEN).report());

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Run {
    let asked = experiment.controls.iter().filter(|control| control.name == "hold_ms");
    let controls =
        experiment.controls(asked.map(|control| (control.name, 2))).expect("2 ms is in its bounds");
    Run::of(&LESSON, experiment, ANSWER, controls).judged()
}

#[test]
fn a_sound_form_makes_an_account_at_both_doors() {
    for exchange in &SOUND_FORMS.exchanges()[..4] {
        status(&SOUND_FORMS, exchange, 201, "A form that keeps every rule has to make an account.");
    }
}

#[test]
fn what_is_stored_is_what_was_checked() {
    listed(
        &SOUND_FORMS,
        &json!([
            ["ada_1", "ada@example.com", 18],
            ["grace", "grace@example.org", 120],
            ["a".repeat(20), "x@y", 60],
            ["a_1", "alan@example.net", 60],
        ]),
        "One spelling is checked and stored: small letters, no space around the address.",
    );
}

#[test]
fn a_form_that_breaks_a_rule_is_refused_at_both_doors() {
    for exchange in &FAULTY_FORMS.exchanges()[..AT_FAULT.len()] {
        status(
            &FAULTY_FORMS,
            exchange,
            422,
            "A form that breaks a rule has to be refused, whatever door it comes to.",
        );
    }
    listed(&FAULTY_FORMS, &json!([]), "None of these forms may leave an account behind.");
}

#[test]
fn every_fault_is_named_in_one_answer() {
    for (exchange, expected) in FAULTY_FORMS.exchanges().iter().zip(AT_FAULT) {
        FAULTY_FORMS.assert_holds();
        let errors = exchange.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named: BTreeSet<_> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        let explained =
            errors.iter().all(|error| error["detail"].as_str().is_some_and(|text| !text.is_empty()));
        Finding::new(
            &exchange.says,
            "pointers in `errors`, each with a detail",
            format!("{named:?}"),
            format!("{expected:?}"),
            named == expected && errors.len() == expected.len() && explained,
            "Each field that is at fault stands in `errors` once, and no other does.",
        )
        .assert_holds();
    }
}

#[test]
fn a_taken_name_or_address_is_a_conflict_in_every_spelling() {
    let meaning = "Two spellings of one name or address are one name or address, and what is taken is answered with 409.";
    for exchange in &TAKEN_FORMS.exchanges()[1..4] {
        status(&TAKEN_FORMS, exchange, 409, meaning);
    }
    listed(&TAKEN_FORMS, &json!([["ada", "ada@example.com", 36]]), meaning);
}

#[test]
fn ten_forms_with_one_address_make_one_account_and_nine_conflicts() {
    for experiment in [&TEN_SIGN_UPS, &TEN_PARTNERS] {
        let report = run(experiment).gated().report();
        report.assert_holds();
        Finding::new(
            "the table after ten forms",
            "rows inserted",
            report.counter(ROWS),
            1,
            report.counter(ROWS) == 1,
            "An address belongs to one account.",
        )
        .assert_holds();
    }
}

#[track_caller]
fn status(report: &Report, exchange: &Exchange, expected: u16, meaning: &str) {
    report.assert_holds();
    Finding::status(&exchange.says, exchange.status, expected, meaning).assert_holds();
}

/// Looks at the list of accounts, which the last step asked for.
#[track_caller]
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn listed(report: &Report, expected: &Value, meaning: &str) {
    report.assert_holds();
    let list = report.exchanges().last().expect("the run is whole, so its last step was taken");
    let accounts = list.body.as_array().map(Vec::as_slice).unwrap_or_default();
    let seen: Value = accounts.iter().map(|a| json!([a["username"], a["email"], a["age"]])).collect();
    let holds = list.status == Some(200) && seen == *expected;
    Finding::new("the accounts afterwards", "name, address, age", &seen, expected, holds, meaning)
        .assert_holds();
}
