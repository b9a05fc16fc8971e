//! The checks of exercise 17. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: what the suite says to a sound build and to broken ones.

#![expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use lab::Finding;
use whole_app_tests::{Defect, Shop};

/// The suite takes a small part of it: the rest is for a machine that is busy with something else.
const LIMIT: Duration = Duration::from_secs(5);

/// How many suites run at the same time.
const TOGETHER: usize = 8;

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(work)
}

async fn said(shop: Shop) -> Result<(), String> {
    let suite = AssertUnwindSafe(tokio::time::timeout(LIMIT, crate::suite(shop)));
    let ended = suite.catch_unwind().await;
    let meaning = "Red is an `Err`. A panic ends whoever runs the suite, and the other tests with it.";
    let seen = if ended.is_ok() { "Ok or Err" } else { "a panic" };
    Finding::new("the suite", "ends with", seen, "Ok or Err", ended.is_ok(), meaning).assert_holds();
    let in_time = ended.expect("that it did not panic was asserted above");
    in_time.unwrap_or_else(|_| Err(format!("it was still running after {} s", LIMIT.as_secs())))
}

fn shown(said: &Result<(), String>) -> String {
    said.as_ref().map_or_else(|red| format!("red: {red}"), |()| "green".to_owned())
}

#[track_caller]
fn green(subject: &str, said: &Result<(), String>, meaning: &str) {
    Finding::new(subject, "suite", shown(said), "green", said.is_ok(), meaning).assert_holds();
}

#[track_caller]
fn red(defect: Defect, subject: &str, meaning: &str) {
    // A suite that is red for everything notices nothing.
    green("the sound build", &run(said(Shop::sound())), "There is nothing wrong with it.");
    let said = run(said(Shop::with(defect)));
    Finding::new(subject, "suite", shown(&said), "red", said.is_err(), meaning).assert_holds();
    let red = said.err().unwrap_or_default();
    let mute = red.trim().is_empty();
    let meaning = "Who reads the build log wants to know which test is red, and what it saw.";
    let seen = if mute { "nothing" } else { "something" };
    Finding::new(subject, "what `Err` says", seen, "something", !mute, meaning).assert_holds();
    let told = red.contains("walk in the rain");
    let meaning = "The build log is public. Say that it was there, and not what it was.";
    let seen = if told { "in the message" } else { "not in the message" };
    Finding::new(subject, "the password", seen, "not in the message", !told, meaning).assert_holds();
}

#[test]
fn a_sound_build_is_green() {
    green(
        "the sound build",
        &run(said(Shop::sound())),
        "A suite that is red without a reason is switched off.",
    );
}

#[test]
fn a_price_without_the_quantity_is_noticed() {
    red(
        Defect::WrongTotal,
        "a build that leaves out the quantity",
        "With one piece, a price that is right and one that is wrong are the same.",
    );
}

#[test]
fn a_field_with_another_name_is_noticed() {
    red(
        Defect::RenamedField,
        "a build with another name for a field",
        "Who reads an answer with the type that wrote it reads whatever was written.",
    );
}

#[test]
fn a_server_that_hands_on_no_address_is_noticed() {
    red(
        Defect::NoPeerAddress,
        "a build whose server hands on no address",
        "The router of this build is sound. What its server does, only its server shows.",
    );
}

#[test]
fn a_limit_for_each_connection_is_noticed() {
    red(
        Defect::LimitPerConnection,
        "a build with a limit for each connection",
        "A router, or a server of the test's own, may count otherwise. Ten clients are ten connections to this server.",
    );
}

#[test]
fn a_password_in_the_log_is_noticed() {
    red(
        Defect::PasswordInSpan,
        "a build that logs a password",
        "The answer is right, so no answer shows it. The log is an output like any other, and an empty one shows nothing.",
    );
}

#[test]
fn suites_that_run_at_the_same_time_are_green_together() {
    let all = run(async {
        let suites: [_; TOGETHER] = std::array::from_fn(|_| said(Shop::sound()));
        futures_util::future::join_all(suites).await
    });
    for said in &all {
        green("one of eight suites at the same time", said, "They share a port, a log, or something else.");
    }
}
