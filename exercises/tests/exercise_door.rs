//! The door as a reader uses it, in a kit of its own with one exercise. Nothing is built here: `cargo exercise prove` does that.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail loudly")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::{TempDir, tempdir};

const HINTS: &str = "minutes = 20\nfingerprint = \"x\"\n\
    [[check]]\nname = \"it_holds\"\nhints = [\"first\", \"second\", \"third\"]\n";

struct Place(TempDir);

impl Place {
    /// A folder name with a space and letters beyond ASCII.
    fn new() -> Self {
        let place = Self(tempdir().unwrap());
        let exercise = place.exercise();
        fs::create_dir_all(exercise.join("judged")).unwrap();
        fs::write(place.root().join("exercises/Cargo.toml"), "").unwrap();
        fs::write(exercise.join("task.md"), "# Unblock the report\n").unwrap();
        fs::write(exercise.join("hints.toml"), HINTS).unwrap();
        fs::write(exercise.join("checks.rs"), "changed").unwrap();
        fs::write(exercise.join("judged/starter.rs"), "the starter").unwrap();
        fs::write(exercise.join("judged/solution.rs"), "the solution").unwrap();
        place
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("käfer und kit")
    }

    fn exercise(&self) -> PathBuf {
        self.root().join("exercises/18-unblock-the-report")
    }

    fn answer(&self) -> PathBuf {
        self.exercise().join("tests/answer_18.rs")
    }

    fn type_in(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exercise"));
        // A cargo that cannot be: whatever would be built here is a mistake.
        command.args(words).current_dir(self.root()).env("CARGO", "/nowhere/cargo").output().unwrap()
    }

    #[track_caller]
    fn said(&self, words: &[&str]) -> String {
        let output = self.type_in(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, words: &[&str]) -> String {
        let output = self.type_in(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.exercise().join("tests")).unwrap().map(|entry| entry.unwrap().path());
        let mut copies: Vec<_> = entries.filter(|path| *path != self.answer()).collect();
        copies.sort();
        copies
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_door_alone_says_where_you_are_and_what_to_type_next() {
    let place = Place::new();

    assert!(place.said(&[]).contains("next: cargo exercise start 18"));
    place.said(&["start", "18"]);
    assert!(place.said(&[]).contains("next: cargo exercise check 18"));
    assert!(place.said(&["list"]).contains("18  unblock-the-report        20 min  started"));
}

#[test]
fn start_makes_the_answer_once_and_never_writes_over_it() {
    let place = Place::new();

    assert!(place.said(&["start", "unblock-the-report"]).contains("made from the starter"));
    assert_eq!(text(&place.answer()), "the starter");
    fs::write(place.answer(), "my work").unwrap();

    assert!(place.said(&["start", "18"]).contains("stays as it is"));
    assert_eq!(text(&place.answer()), "my work");
}

#[test]
fn reset_keeps_a_dated_copy_and_restore_brings_it_back() {
    let place = Place::new();
    place.said(&["start", "18"]);
    fs::write(place.answer(), "my work").unwrap();

    let said = place.said(&["reset", "18"]);

    assert_eq!(text(&place.answer()), "the starter");
    let copies = place.copies();
    assert_eq!(text(&copies[0]), "my work");
    assert!(said.contains(&copies[0].display().to_string()), "{said}");

    place.said(&["restore", "18"]);
    assert_eq!(text(&place.answer()), "my work");
    assert_eq!(place.copies().len(), 2, "what restore replaced was kept as well");
}

#[test]
fn resets_within_one_second_keep_all_copies_and_restore_takes_the_latest() {
    let place = Place::new();
    place.said(&["start", "18"]);
    for work in 0..12 {
        fs::write(place.answer(), format!("work {work}")).unwrap();
        place.said(&["reset", "18"]);
    }

    assert_eq!(place.copies().len(), 12);
    place.said(&["restore", "18"]);
    assert_eq!(text(&place.answer()), "work 11");
}

#[test]
fn reset_without_an_answer_and_restore_without_a_copy_are_refused_with_the_next_step() {
    let place = Place::new();

    assert!(place.refused(&["reset", "18"]).contains("`cargo exercise start 18` makes it"));
    assert!(place.refused(&["restore", "18"]).contains("`reset` makes one"));
    assert!(place.refused(&["check", "18"]).contains("`cargo exercise start 18` makes it"));
    assert!(!place.answer().exists());
}

#[test]
fn checks_that_are_not_the_kits_judge_nothing() {
    let place = Place::new();
    place.said(&["start", "18"]);

    let said = place.refused(&["check", "18"]);

    assert!(said.contains("not the one that the kit ships, so nothing was judged"), "{said}");
}

#[test]
fn a_hint_is_for_the_check_that_failed_last_and_goes_three_steps() {
    let place = Place::new();
    assert!(place.refused(&["hint", "18"]).contains("next: cargo exercise check 18"));
    let file = place.root().join(".local/progress.json");
    exercises::progress::update(&file, |p| p.exercise("unblock-the-report").failed(Some("it_holds")))
        .unwrap();

    let shown: Vec<_> = (0..4).map(|_| place.said(&["hint", "18"])).collect();

    for (said, expected) in shown.iter().zip(["first", "second", "third", "third"]) {
        assert!(said.contains(expected) && said.contains("not yet: it holds"), "{said}");
    }
    assert!(shown[3].contains("solution 18 --anyway"));
}

#[test]
fn the_solution_waits_for_a_green_answer_unless_it_is_asked_for_anyway() {
    let place = Place::new();

    assert!(place.refused(&["solution", "18"]).contains("--anyway"));
    assert!(place.said(&["solution", "18", "--anyway"]).contains("the solution"));
}

#[test]
fn an_exercise_that_does_not_exist_is_named_without_its_control_characters() {
    let said = Place::new().refused(&["check", "31\u{1b}[2J"]);

    assert_eq!(
        said,
        "exercise: exercise 31 does not exist. There are 18; `cargo exercise list` shows them.\n"
    );
}

#[test]
fn progress_that_cannot_be_kept_is_told_and_the_answer_is_made_all_the_same() {
    let place = Place::new();
    // A file where the folder should be.
    fs::write(place.root().join(".local"), "").unwrap();

    let output = place.type_in(&["start", "18"]);

    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("progress cannot be kept"), "{output:?}");
    assert_eq!(text(&place.answer()), "the starter");
}

#[test]
fn a_copy_is_never_written_over() {
    let place = Place::new();
    place.said(&["start", "18"]);
    fs::write(place.answer(), "one").unwrap();
    place.said(&["reset", "18"]);
    let first = place.copies();
    fs::write(place.answer(), "two").unwrap();
    place.said(&["reset", "18"]);

    assert_eq!(text(&first[0]), "one");
}
