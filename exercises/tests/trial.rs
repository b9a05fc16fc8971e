//! No program can hang the runner, flood it or slip through it.
//!
//! The programs are the ignored tests at the end of this file: this test program starts itself again and asks for one of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail loudly")]

use std::{env, future, process, time::Duration};

use exercises::{
    hints::Hints,
    record::{ARGUMENTS, Outcome, Record},
    trial::{self, Ended, Limits, Trial},
    verdict,
};
use tokio::process::Command;

/// Without this variable the programs do nothing: `cargo test -- --ignored` must not hang.
const ASKED_FOR: &str = "EXERCISES_BAD_PROGRAM";

const ENOUGH: Limits = Limits { time: Duration::from_secs(60), output: 64 * 1024 };
/// For programs that never end; long enough that a loaded machine has started them by then.
const SHORT: Limits = Limits { time: Duration::from_secs(2), output: 64 * 1024 };

async fn run(program: &str, limits: Limits, interrupted: impl Future<Output = ()>) -> Trial {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", &format!("checks::{program}")])
        .args(ARGUMENTS)
        .env(ASKED_FOR, "1")
        .env("RUST_BACKTRACE", "0");
    trial::run(command, limits, interrupted).await.unwrap()
}

fn judged(program: &str, trial: &Trial) -> verdict::Verdict {
    let hints = format!(
        "minutes = 1\nfingerprint = \"\"\n[[check]]\nname = \"{program}\"\nhints = [\"a\", \"b\", \"c\"]\n"
    );
    verdict::judge(&toml::from_str::<Hints>(&hints).unwrap(), trial)
}

#[tokio::test]
async fn a_program_that_passes_is_solved() {
    let trial = run("passes", ENOUGH, future::pending()).await;

    assert!(judged("passes", &trial).solved, "{trial:?}");
}

#[tokio::test]
async fn a_program_that_never_ends_is_stopped_and_its_check_is_named() {
    let trial = run("loops_for_ever", SHORT, future::pending()).await;

    assert!(matches!(trial.ended, Ended::TimeUp(_)), "{trial:?}");
    let verdict = judged("loops_for_ever", &trial);
    assert!(!verdict.solved);
    assert!(
        verdict.text.contains("Stopped after 2 s, while it was checked that loops for ever"),
        "{}",
        verdict.text
    );
}

#[tokio::test]
async fn a_program_that_prints_without_end_is_stopped_at_the_limit() {
    let trial = run("prints_without_end", ENOUGH, future::pending()).await;

    assert!(matches!(trial.ended, Ended::TooMuchOutput(_)), "{:?}", trial.ended);
    assert!(trial.output.len() <= ENOUGH.output);
    let verdict = judged("prints_without_end", &trial);
    assert!(verdict.text.contains("had printed more than 64 KiB"), "{}", verdict.text);
    assert!(!verdict.text.contains('\u{1b}'));
    assert!(verdict.text.lines().count() < 40, "{}", verdict.text);
}

#[tokio::test]
async fn a_program_that_leaves_with_success_in_the_middle_has_not_passed() {
    let trial = run("leaves", ENOUGH, future::pending()).await;

    assert!(matches!(trial.ended, Ended::Exited(status) if status.success()), "{trial:?}");
    let verdict = judged("leaves", &trial);
    assert!(!verdict.solved);
    assert!(verdict.text.contains("left with code 0"), "{}", verdict.text);
}

#[tokio::test]
async fn a_program_that_aborts_is_told_apart_from_one_that_fails() {
    let trial = run("aborts", ENOUGH, future::pending()).await;

    let verdict = judged("aborts", &trial);
    assert!(!verdict.solved);
    assert!(verdict.text.contains("while it was checked that aborts"), "{}", verdict.text);
}

#[tokio::test]
async fn a_panic_is_shown_with_its_message_and_the_check_that_failed() {
    let trial = run("fails", ENOUGH, future::pending()).await;

    assert_eq!(
        Record::read(&trial.output).checks["fails"],
        Outcome::Failed("seen 1 (expected 10)".to_owned())
    );
    assert_eq!(judged("fails", &trial).failed.as_deref(), Some("fails"));
}

#[tokio::test]
async fn standard_input_is_empty() {
    let trial = run("reads_standard_input", ENOUGH, future::pending()).await;

    assert!(judged("reads_standard_input", &trial).solved, "{trial:?}");
}

#[tokio::test]
async fn an_interruption_ends_the_program() {
    let trial = run("loops_for_ever", ENOUGH, future::ready(())).await;

    assert!(matches!(trial.ended, Ended::Interrupted), "{trial:?}");
}

#[tokio::test]
async fn a_check_that_did_not_run_is_never_a_pass() {
    let trial = run("passes", ENOUGH, future::pending()).await;

    let verdict = judged("another_check", &trial);
    assert!(!verdict.solved);
    assert!(verdict.text.contains("None of the exercise's checks has run"), "{}", verdict.text);
}

/// Were the child left alive, this test would wait for as long as the child sleeps.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn children_of_a_program_end_with_it() {
    let trial = run("leaves_a_child_behind", ENOUGH, future::pending()).await;

    let child = trial.output.split("child ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let gone = || {
        let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // An orphan that was killed may not be reaped yet.
        state.is_empty() || state.contains(") Z ")
    };
    // The signal was sent before `run` returned; the kernel delivers it in its own time.
    while !gone() {
        tokio::task::yield_now().await;
    }
}

mod checks {
    use super::*;

    fn asked_for() -> bool {
        env::var_os(ASKED_FOR).is_some()
    }

    #[test]
    #[ignore = "a program for the tests above"]
    fn passes() {}

    #[test]
    #[ignore = "a program for the tests above"]
    fn loops_for_ever() {
        while asked_for() {
            std::hint::spin_loop();
        }
    }

    #[test]
    #[ignore = "a program for the tests above"]
    fn prints_without_end() {
        while asked_for() {
            println!("\u{1b}[31mround and round");
        }
    }

    #[test]
    #[ignore = "a program for the tests above"]
    fn leaves() {
        if asked_for() {
            process::exit(0);
        }
    }

    #[test]
    #[ignore = "a program for the tests above"]
    fn aborts() {
        if asked_for() {
            process::abort();
        }
    }

    #[test]
    #[ignore = "a program for the tests above"]
    fn fails() {
        assert!(!asked_for(), "seen 1 (expected 10)");
    }

    #[test]
    #[ignore = "a program for the tests above"]
    fn reads_standard_input() {
        if asked_for() {
            assert_eq!(std::io::stdin().lines().count(), 0);
        }
    }

    #[test]
    #[ignore = "a program for the tests above"]
    #[expect(clippy::zombie_processes, reason = "leaving the child alone is what the test is about")]
    fn leaves_a_child_behind() {
        if asked_for() {
            let child = process::Command::new("sleep").arg("600").spawn().unwrap();
            println!("child {}", child.id());
        }
    }
}
