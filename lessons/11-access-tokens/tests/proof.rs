//! Proves lesson 11: every check lets an honest token in and keeps a forged signature out; what else opens the door differs.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use access_tokens::{
    A_DRAWER_OF_TOKENS, GUESS_THE_SECRET, LESSON,
    guess::{KNOWN_SECRETS, guess},
    provider::{Draft, Provider, random_secret},
    right::{Secret, WeakSecret},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use lab::{Experiment, Plan, Report, Request, Run, Step, Transcript};
use serde_json::{Value, json};

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).report()
}

/// The places of the tokens in the drawer that opened the profile.
fn opened(report: &Report) -> Vec<usize> {
    let answers = report.exchanges().iter().enumerate();
    answers.filter(|(_, exchange)| exchange.status == Some(200)).map(|(place, _)| place).collect()
}

const HONEST: usize = 0;
const OTHER_ALGORITHM: usize = 4;
const ENDED: usize = 5;
const NO_END: usize = 6;
const TEN_YEARS: usize = 7;
const FUTURE: usize = 8;
const NOT_BEGUN: usize = 9;
const NO_AUDIENCE: usize = 10;
const OTHER_AUDIENCE: usize = 11;
const OTHER_ISSUER: usize = 12;
const OTHER_TYPE: usize = 13;
const CRITICAL: usize = 14;

#[test]
fn every_variant_serves_an_honest_token_and_refuses_a_missing_changed_or_unsigned_one() {
    for variant in A_DRAWER_OF_TOKENS.variants {
        let report = run(&A_DRAWER_OF_TOKENS, variant.name);
        let statuses: Vec<_> =
            report.exchanges()[..4].iter().map(|exchange| exchange.status.unwrap()).collect();
        assert_eq!(statuses, [200, 401, 401, 401], "{}", variant.name);
        assert_eq!(report.exchanges()[0].body, json!({ "user": "ada", "role": "user" }));
    }
}

#[test]
fn the_defaults_accept_nine_tokens_that_were_never_meant_for_us() {
    let report = run(&A_DRAWER_OF_TOKENS, "defaults");

    let wrongly = [
        ENDED,
        TEN_YEARS,
        FUTURE,
        NOT_BEGUN,
        NO_AUDIENCE,
        OTHER_AUDIENCE,
        OTHER_ISSUER,
        OTHER_TYPE,
        CRITICAL,
    ];
    assert_eq!(opened(&report), [&[HONEST][..], &wrongly].concat());
    assert!(!report.verdict.holds);
}

#[test]
fn the_algorithm_of_the_header_and_a_named_audience_accept_another_algorithm_and_no_audience() {
    let report = run(&A_DRAWER_OF_TOKENS, "header-algorithm");

    let wrongly = [OTHER_ALGORITHM, ENDED, TEN_YEARS, FUTURE, NOT_BEGUN, NO_AUDIENCE, OTHER_TYPE, CRITICAL];
    assert_eq!(opened(&report), [&[HONEST][..], &wrongly].concat());
    assert!(!report.verdict.holds);
}

#[test]
fn a_list_of_required_claims_without_exp_accepts_a_token_that_never_ends() {
    let report = run(&A_DRAWER_OF_TOKENS, "required-claims");

    let wrongly = [NO_END, TEN_YEARS, FUTURE, NOT_BEGUN, OTHER_TYPE, CRITICAL];
    assert_eq!(opened(&report), [&[HONEST][..], &wrongly].concat());
    assert!(!report.verdict.holds);
}

#[test]
fn asking_for_every_claim_opens_for_the_honest_token_alone_and_says_why_it_is_closed() {
    let report = run(&A_DRAWER_OF_TOKENS, "every-claim");

    assert_eq!(opened(&report), [HONEST]);
    report.assert_holds();
    let challenge = |step: usize| report.exchanges()[step].headers[0].clone();
    assert_eq!(challenge(1), ("www-authenticate".into(), "Bearer realm=\"orders\"".into()));
    assert_eq!(challenge(2).1, "Bearer realm=\"orders\", error=\"invalid_token\"");
}

/// What the drawer has no room for.
static WITHOUT: Experiment = Experiment {
    slug: "without",
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "a token of no issuer", request: |_| without("iss") },
            Step { says: "a token about nobody", request: |_| without("sub") },
            Step { says: "a token without a time of issue", request: |_| without("iat") },
        ],
    }),
    judge: |_| Vec::new(),
    ..A_DRAWER_OF_TOKENS
};

fn without(claim: &str) -> Request {
    let draft = Draft::access_token("ada", "user").without(claim);
    Request::get("/profile").bearer(Provider::of_this_process().sign(&draft))
}

#[test]
fn a_token_without_issuer_subject_or_time_of_issue_is_refused() {
    assert_eq!(opened(&run(&WITHOUT, "every-claim")), Vec::<usize>::new());
    assert_eq!(opened(&run(&WITHOUT, "header-algorithm")), [0, 2]);
}

#[test]
fn a_secret_that_is_short_or_published_lets_its_finder_sign_as_an_admin() {
    for variant in ["tutorial-secret", "sample-secret"] {
        let report = run(&GUESS_THE_SECRET, variant);
        assert_eq!(report.exchanges()[2].body, json!({ "user": "mallory", "role": "admin" }), "{variant}");
        assert!(!report.verdict.holds, "{variant}");
    }
}

#[test]
fn a_random_secret_is_on_no_list() {
    let report = run(&GUESS_THE_SECRET, "random-secret");

    assert_eq!(report.exchanges()[2].status, Some(401));
    report.assert_holds();
}

#[test]
fn every_known_secret_is_guessed_from_one_token_and_refused_at_the_start() {
    for known in KNOWN_SECRETS {
        let token = Provider::new(known.as_bytes()).sign(&Draft::access_token("ada", "user"));
        assert_eq!(guess(&token), Some(known));
        assert_eq!(Secret::new(known.as_bytes()).err(), Some(WeakSecret::Sample), "{known}");
    }
}

#[test]
fn a_secret_shorter_than_the_hash_is_refused_at_the_start() {
    for length in [0, 1, 31] {
        assert_eq!(Secret::new(&random_secret()[..length]).err(), Some(WeakSecret::Short(length)));
    }
    assert!(Secret::new(&random_secret()).is_ok());
}

// What the library does when it is left alone. Each of these is a reason for a line in `right.rs`.

fn signed(secret: &[u8], header: &Header, claims: &Value) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

#[test]
fn the_library_signs_and_verifies_with_a_secret_of_no_bytes() {
    let claims = json!({ "exp": jsonwebtoken::get_current_timestamp() + 60 });
    for secret in [&b""[..], b"x"] {
        let token = signed(secret, &Header::default(), &claims);
        assert!(decode::<Value>(&token, &DecodingKey::from_secret(secret), &Validation::default()).is_ok());
    }
}

#[test]
fn the_defaults_refuse_a_token_that_names_an_audience() {
    let provider = Provider::of_this_process();
    let token = provider.sign(&Draft::access_token("ada", "user"));

    let refused = decode::<Value>(&token, &provider.key(), &Validation::default()).unwrap_err();

    assert_eq!(refused.kind(), &jsonwebtoken::errors::ErrorKind::InvalidAudience);
}

#[test]
fn algorithms_of_two_families_cannot_be_expected_at_once() {
    let provider = Provider::of_this_process();
    let token = provider.sign(&Draft::access_token("ada", "user"));
    let mut either = Validation::new(Algorithm::HS256);
    either.validate_aud = false;
    assert!(decode::<Value>(&token, &provider.key(), &either).is_ok());

    either.algorithms.push(Algorithm::EdDSA);

    let refused = decode::<Value>(&token, &provider.key(), &either).unwrap_err();
    assert_eq!(refused.kind(), &jsonwebtoken::errors::ErrorKind::InvalidAlgorithm);
}
