//! Proves lesson 22: every variant makes an account from a sound form; one of them makes no other.
//!
//! The race is gated: all requests have asked the database before the first of them hears its answer.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use lab::{Experiment, Observed, Report, Run};
use parse_dont_validate::{
    LESSON, SIGN_UP_FORM, TEN_SIGN_UPS, accounts,
    fields::{Age, Email, Username},
    wrong,
};
use serde_json::json;

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn transcript(variant: &str) -> Report {
    run(&SIGN_UP_FORM, variant, &[])
}

/// The round trip is as short as can be: the gate alone has to make sure that the requests overlap.
fn race(variant: &str, requests: u64) -> Report {
    run(&TEN_SIGN_UPS, variant, &[("requests", requests), ("hold_ms", 1)])
}

/// Statuses of: a sound form, three faults, a Cyrillic letter, the address in another spelling, the list.
fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

fn accounts_at_the_end(report: &Report) -> usize {
    report.exchanges()[4].body.as_array().unwrap().len()
}

fn answered(report: &Report, status: u16) -> usize {
    match &report.observed {
        Observed::Timeline { lanes, .. } => lanes.iter().filter(|lane| lane.status == Some(status)).count(),
        other => panic!("not a timeline: {other:?}"),
    }
}

#[test]
fn a_sound_form_makes_an_account_with_every_variant() {
    for variant in SIGN_UP_FORM.variants {
        assert_eq!(statuses(&transcript(variant.name))[0], 201, "{}", variant.name);
    }
    for variant in TEN_SIGN_UPS.variants {
        let report = race(variant.name, 1);
        assert_eq!((answered(&report, 201), report.counter(accounts::ROWS)), (1, 1), "{}", variant.name);
    }
}

#[test]
fn the_constructor_of_a_derived_newtype_refuses_what_its_deserialize_lets_in() {
    assert!(wrong::newtype::Username::new("").is_err());

    let empty: wrong::newtype::Username = serde_json::from_value(json!("")).unwrap();
    assert_eq!(empty.as_str(), "");
}

#[test]
fn a_derived_newtype_makes_four_accounts_out_of_one_sound_form_and_three_bad_ones() {
    let report = transcript("derived-newtype");

    assert_eq!(statuses(&report), [201, 201, 201, 201, 200]);
    assert_eq!(accounts_at_the_end(&report), 4);
    assert!(!report.verdict.holds);
}

#[test]
fn a_form_that_is_checked_and_handed_on_as_it_came_gives_one_mailbox_two_accounts() {
    let report = transcript("validate-and-reuse");

    assert_eq!(statuses(&report), [201, 422, 201, 201, 200]);
    let emails: Vec<_> = report.exchanges()[4].body.as_array().unwrap().iter().map(|a| &a["email"]).collect();
    assert_eq!(emails, ["ada@example.com", "mallory@example.com", " ADA@Example.com"]);
    assert!(!report.verdict.holds);
}

#[test]
fn serde_stops_at_the_first_of_three_faults() {
    let report = transcript("first-error");

    assert_eq!(statuses(&report), [201, 422, 422, 409, 200]);
    let text = report.exchanges()[1].body.as_str().unwrap();
    assert_eq!(text.matches("must be").count(), 1, "{text}");
    assert!(!report.verdict.holds);
}

#[test]
fn a_parsed_form_names_three_faults_at_once_and_one_account_is_made() {
    let report = transcript("parse");

    assert_eq!(statuses(&report), [201, 422, 422, 409, 200]);
    let pointers: Vec<_> =
        report.exchanges()[1].body["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/username", "/email", "/age"]);
    assert_eq!(accounts_at_the_end(&report), 1);
    report.assert_holds();
}

#[test]
fn asking_before_the_insert_gives_one_address_to_everybody_who_asks_before_the_first_insert() {
    for requests in [2, 10] {
        let report = race("check-then-insert", requests);

        assert_eq!(report.counter(accounts::ROWS), requests);
        assert_eq!(answered(&report, 201), usize::try_from(requests).unwrap());
        assert!(!report.verdict.holds);
    }
}

#[test]
fn a_unique_constraint_gives_one_address_to_one_of_ten_and_409_to_the_others() {
    let report = race("parse", 10);

    assert_eq!(report.counter(accounts::ROWS), 1);
    assert_eq!((answered(&report, 201), answered(&report, 409)), (1, 9));
    report.assert_holds();
}

/// Every text of at most four characters out of an alphabet that holds one of each kind: nothing is left to chance.
fn short_texts() -> Vec<String> {
    const ALPHABET: [char; 10] = ['a', 'Z', '0', '_', '-', ' ', '@', '.', '\u{430}', '\u{0}'];
    let mut texts = vec![String::new()];
    let mut from = 0;
    for _ in 0..4 {
        let until = texts.len();
        for at in from..until {
            for letter in ALPHABET {
                let longer = format!("{}{letter}", texts[at]);
                texts.push(longer);
            }
        }
        from = until;
    }
    texts
}

#[test]
fn json_makes_the_same_usernames_and_addresses_as_the_constructor_and_no_other() {
    let texts = short_texts();
    assert_eq!(texts.len(), 11_111);
    let (mut names, mut addresses) = (0, 0);
    for text in texts {
        let name: Option<Username> = serde_json::from_value(json!(text)).ok();
        assert_eq!(name, Username::try_from(text.clone()).ok(), "{text:?}");
        names += usize::from(name.is_some());

        let address: Option<Email> = serde_json::from_value(json!(text)).ok();
        assert_eq!(address, Email::try_from(text.clone()).ok(), "{text:?}");
        addresses += usize::from(address.is_some());
    }
    // 4 of the 10 characters are allowed: 4³ + 4⁴ names. An address needs at least `a@b.c`, five characters.
    assert_eq!((names, addresses), (320, 0));
}

#[test]
fn what_was_parsed_once_parses_to_itself_again() {
    for text in short_texts() {
        if let Ok(name) = Username::try_from(text) {
            let sent = serde_json::to_value(&name).unwrap();
            assert_eq!(serde_json::from_value::<Username>(sent).unwrap(), name);
        }
    }
    for text in [" ADA@Example.com ", "a@b.c", "x.y+z@mail.example.org"] {
        let email = Email::try_from(text.to_owned()).unwrap();
        let sent = serde_json::to_value(&email).unwrap();
        assert_eq!(serde_json::from_value::<Email>(sent).unwrap(), email);
    }
}

#[test]
fn an_age_outside_of_its_range_cannot_be_read_at_either_end() {
    for (years, allowed) in [(17, false), (18, true), (120, true), (121, false), (-1, false), (274, false)] {
        assert_eq!(serde_json::from_value::<Age>(json!(years)).is_ok(), allowed, "{years}");
    }
}

#[test]
fn an_address_is_refused_unless_it_has_a_user_and_a_host_around_one_at() {
    for text in ["", "nowhere", "@b.c", "a@", "a@b", "a@.c", "a@b.", "a@@b.c", "a b@c.d", "\u{430}@b.c"] {
        assert!(Email::try_from(text.to_owned()).is_err(), "{text}");
    }
}
