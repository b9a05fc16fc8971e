//! An exercise with two stages: what is said of each, and what is kept.
//!
//! The "answer" is a script: its checks hold where the learner's file names them.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use crate::place::{Place, text};

const CARGO: &str = r#"#!/bin/sh
printf '{"reason":"compiler-artifact","target":{"name":"answer_18"},"executable":"%s/program"}\n' "$TOOLS"
"#;

const PROGRAM: &str = r#"#!/bin/sh
answer=$(cat tests/answer_18.rs)
code=0
for check in it_holds it_lasts; do
    case $answer in
    *$check*) printf 'test checks::%s ... ok\n' $check ;;
    *) printf 'test checks::%s ... FAILED\n' $check; code=101 ;;
    esac
done
printf '\ntest result: so\n'
exit $code
"#;

struct Staged(Place);

impl Staged {
    fn new() -> Self {
        let place = Place::new();
        let hints = place.exercise().join("hints.toml");
        let second = "[[check]]\nname = \"it_lasts\"\nstage = 2\nhints = [\"of the second\", \"b\", \"c\"]\n";
        fs::write(&hints, text(&hints) + second).unwrap();
        place.said(&["start", "18"]);
        let tools = place.root().parent().unwrap().join("tools");
        fs::create_dir(&tools).unwrap();
        for (name, script) in [("cargo", CARGO), ("program", PROGRAM)] {
            fs::write(tools.join(name), script).unwrap();
            fs::set_permissions(tools.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(place)
    }

    /// What is said of that answer, and with which status.
    fn judged(&self, answer: &str) -> (String, Option<i32>) {
        fs::write(self.0.answer(), answer).unwrap();
        let tools = self.0.root().parent().unwrap().join("tools");
        let mut runner = Command::new(env!("CARGO_BIN_EXE_exercise"));
        runner.args(["check", "18"]).current_dir(self.0.root()).env("CARGO", tools.join("cargo"));
        let output = runner.env("TOOLS", tools).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    #[track_caller]
    fn lists(&self, state: &str) {
        let list = self.0.said(&["list"]);
        assert!(list.contains(&format!(" min  {state} ")), "{list}");
    }
}

#[test]
fn while_the_first_stage_does_not_hold_nothing_is_said_of_the_second_but_how_many_wait() {
    let staged = Staged::new();

    for answer in ["", "it_lasts"] {
        let (said, code) = staged.judged(answer);

        assert_eq!(code, Some(1));
        assert!(said.starts_with("18 unblock-the-report · not yet\n"), "{said}");
        assert!(said.contains("not yet: it holds"), "{said}");
        assert!(said.contains("later: 1 check waits for stage 2"), "{said}");
        assert!(!said.contains("it lasts"), "{said}");
        staged.lists("started");
    }
}

#[test]
fn when_the_first_stage_holds_it_is_said_and_the_second_goes_on_with_its_own_hints() {
    let staged = Staged::new();

    let (said, code) = staged.judged("it_holds");

    assert_eq!(code, Some(1));
    assert!(said.starts_with("18 unblock-the-report · stage 1 of 2 done\n"), "{said}");
    assert!(said.contains("Stage 1 of 2 is done. What follows is stage 2."), "{said}");
    assert!(said.contains("not yet: it lasts") && said.contains("holds: it holds"), "{said}");
    assert!(!said.contains("later:"), "{said}");
    assert!(staged.0.said(&["hint", "18"]).contains("of the second"));
    staged.lists("stage 1 of 2");
}

#[test]
fn a_stage_that_was_reached_stays_reached_and_only_both_together_are_solved() {
    let staged = Staged::new();
    staged.judged("it_holds");

    let (said, _) = staged.judged("it_lasts");
    assert!(said.contains("not yet: it holds"), "{said}");
    staged.lists("stage 1 of 2");

    let (said, code) = staged.judged("it_holds it_lasts");
    assert_eq!(code, Some(0));
    assert!(said.starts_with("18 unblock-the-report · solved\n"), "{said}");
    assert!(!said.contains("Stage 1"), "{said}");
    staged.lists("solved");
}
