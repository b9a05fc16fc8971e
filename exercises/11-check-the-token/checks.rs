//! The checks of exercise 11. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets. The lesson's drawer of tokens is presented, and a few more.

use std::sync::LazyLock;

use access_tokens::{
    A_DRAWER_OF_TOKENS, LESSON,
    provider::{Draft, Provider, random_secret},
};
use jsonwebtoken::{Header, get_current_timestamp};
use lab::{Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant};
use serde_json::json;

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |_| Box::pin(async { crate::app(Provider::of_this_process().key()) }),
};

/// What the lesson's drawer has no room for.
static MORE: Experiment = Experiment {
    slug: "more-tokens",
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    judge: |_| Vec::new(),
    ..A_DRAWER_OF_TOKENS
};

const STEPS: &[Step] = &[
    Step { says: "a token of a provider whose clock is 4 s ahead", request: |_| with(&ahead()) },
    Step { says: "a token that Mallory signed with a key of her own", request: |_| mallorys() },
    Step { says: "a text that is no token", request: |_| Request::get("/profile").bearer("let.me.in") },
    Step { says: "a token of no issuer", request: |_| with(&ada().without("iss")) },
    Step { says: "a token about nobody", request: |_| with(&ada().without("sub")) },
    Step {
        says: "a token that does not say what kind it is",
        request: |_| with(&Draft { header: Header { typ: None, ..ada().header }, ..ada() }),
    },
];

// The places of the steps above.
const CLOCK_AHEAD: usize = 0;
const OTHER_KEY: usize = 1;
const NO_TOKEN: usize = 2;
const NO_ISSUER: usize = 3;
const NO_SUBJECT: usize = 4;
const NO_TYPE: usize = 5;

fn ada() -> Draft {
    Draft::access_token("ada", "user")
}

/// The longer the request takes, the more valid it becomes: no clock decides this check.
fn ahead() -> Draft {
    let then = get_current_timestamp() + 4;
    ada().with("iat", then).with("nbf", then)
}

fn with(draft: &Draft) -> Request {
    Request::get("/profile").bearer(Provider::of_this_process().sign(draft))
}

fn mallorys() -> Request {
    let admin = Draft::access_token("mallory", "admin");
    Request::get("/profile").bearer(Provider::new(&random_secret()).sign(&admin))
}

// Several checks look at each of these runs.
static DRAWER: LazyLock<Report> = LazyLock::new(|| run(&A_DRAWER_OF_TOKENS));
static MORE_TOKENS: LazyLock<Report> = LazyLock::new(|| run(&MORE));

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Report {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, ANSWER, controls).judged().report()
}

#[test]
fn a_token_of_the_provider_opens_the_profile() {
    found("Ada's own token");
    let body = &DRAWER.exchanges()[0].body;
    let expected = json!({ "user": "ada", "role": "user" });
    let meaning = "The profile says whose token it is, and what its owner may do.";
    Finding::new("Ada's own token", "answer", body, &expected, *body == expected, meaning).assert_holds();
    let meaning =
        "Two clocks are never the same. A provider that is a few seconds ahead must not lock its users out.";
    more(CLOCK_AHEAD, 200, meaning);
}

#[test]
fn what_the_provider_did_not_sign_is_refused() {
    for subject in ["no token", "a changed role", "`alg: none`"] {
        found(subject);
    }
    for step in [OTHER_KEY, NO_TOKEN] {
        more(step, 401, "Only the provider has the key. What it did not sign is worth nothing.");
    }
}

#[test]
fn another_algorithm_is_refused() {
    found("another algorithm");
}

#[test]
fn a_token_outside_its_time_is_refused() {
    for subject in ["ended 30 s ago", "not yet begun"] {
        found(subject);
    }
}

#[test]
fn a_token_that_lives_too_long_is_refused() {
    for subject in ["no end", "ends in ten years", "issued in the future"] {
        found(subject);
    }
}

#[test]
fn a_token_for_another_service_is_refused() {
    for subject in ["no audience", "another audience", "another issuer"] {
        found(subject);
    }
    more(
        NO_ISSUER,
        401,
        "An issuer that is named is compared where there is one. Its absence has to be an error.",
    );
    more(NO_SUBJECT, 401, "A token about nobody lets nobody in.");
}

#[test]
fn a_token_of_another_kind_is_refused() {
    for subject in ["another type", "unknown critical extension"] {
        found(subject);
    }
    more(NO_TYPE, 401, "What does not say that it is an access token is none.");
}

#[test]
fn every_refusal_says_what_is_wanted() {
    for exchange in DRAWER.exchanges().iter().chain(MORE_TOKENS.exchanges()) {
        let mut headers = exchange.headers.iter();
        let challenge =
            headers.any(|(name, value)| name == "www-authenticate" && value.starts_with("Bearer"));
        let meaning = "A 401 carries a challenge, `WWW-Authenticate: Bearer …`: a client cannot know otherwise what to send.";
        let seen = if challenge { "Bearer" } else { "none" };
        let holds = challenge || exchange.status != Some(401);
        Finding::new(&exchange.says, "challenge", seen, "Bearer", holds, meaning).assert_holds();
    }
}

/// Looks at one finding of the lesson's judge.
#[track_caller]
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn found(subject: &str) {
    let findings = &DRAWER.verdict.findings;
    // A run that was cut has a finding of its own, and the others mean little then.
    let cut = findings.iter().find(|finding| finding.subject == "the run");
    let finding = cut.or_else(|| findings.iter().find(|finding| finding.subject == subject));
    finding.expect("the lesson's judge has this finding").assert_holds();
}

/// Looks at the status of one answer in [`MORE`].
#[track_caller]
fn more(step: usize, expected: u16, meaning: &str) {
    MORE_TOKENS.assert_holds();
    let exchange = &MORE_TOKENS.exchanges()[step];
    let seen = exchange.status.map_or_else(|| exchange.body.to_string(), |status| status.to_string());
    Finding::new(&exchange.says, "status", seen, expected, exchange.status == Some(expected), meaning)
        .assert_holds();
}
