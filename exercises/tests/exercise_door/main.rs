//! The door as a reader uses it, in a kit of its own with one exercise. Nothing is built here: `cargo exercise prove` does that.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail loudly")]

#[cfg(unix)]
mod direct;
#[cfg(unix)]
mod faults;
mod place;
mod sequences;
#[cfg(unix)]
mod stages;
#[cfg(unix)]
mod watch;

use std::fs;

use place::{Place, text};

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
    fs::write(place.exercise().join("checks.rs"), "changed").unwrap();

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

#[cfg(unix)]
#[test]
fn a_symlinked_kit_without_home_or_git_works_like_any_other() {
    let place = Place::new();
    let link = place.root().with_file_name("link to the kit");
    std::os::unix::fs::symlink(place.root(), &link).unwrap();
    let type_in = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_exercise"));
        // From a folder deep inside, with nothing of the reader's surroundings.
        command.args(words).current_dir(link.join("exercises/18-unblock-the-report")).env_clear();
        command.output().unwrap()
    };

    for words in [&["start", "18"][..], &["list"], &[], &["reset", "18"], &["restore", "18"]] {
        let output = type_in(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
    assert_eq!(text(&place.answer()), "the starter");
    assert_eq!(place.copies().len(), 2);
}

#[test]
fn line_ends_of_another_system_are_no_change_of_the_checks() {
    let place = Place::new();
    place.said(&["start", "18"]);
    fs::write(place.exercise().join("checks.rs"), "the checks\r\nin two lines\r\n").unwrap();
    let hints = text(&place.exercise().join("hints.toml"));
    let same = exercises::hints::fingerprint("the checks\nin two lines\n");
    let other = exercises::hints::fingerprint("the checks");
    fs::write(place.exercise().join("hints.toml"), hints.replace(&other, &same)).unwrap();

    // It goes on to cargo, which is not there.
    assert!(place.refused(&["check", "18"]).contains("a program could not be started"));
}
