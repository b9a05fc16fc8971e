//! Progress survives crashes, damage, other writers and other versions.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail loudly")]

use std::{fs, path::Path, thread};

use exercises::progress::{self, Progress, ProgressError, State};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use time::macros::datetime;

fn place() -> (TempDir, std::path::PathBuf) {
    let folder = tempdir().unwrap();
    let file = folder.path().join(".local").join("progress.json");
    (folder, file)
}

fn solve(file: &Path, slug: &str) {
    progress::update(file, |progress| progress.exercise(slug).passed(datetime!(2026-11-24 12:00 UTC)))
        .unwrap();
}

fn set_aside(file: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap());
    let damaged = entries.filter(|entry| entry.file_name().to_string_lossy().contains("damaged"));
    damaged.map(|entry| fs::read(entry.path()).unwrap()).collect()
}

#[test]
fn nothing_kept_yet_is_the_beginning_and_needs_no_word() {
    let (_folder, file) = place();

    assert_eq!(Progress::load(&file).unwrap(), (Progress::default(), None));
    assert!(!file.exists(), "reading writes nothing");
}

#[test]
fn what_was_marked_is_read_again() {
    let (_folder, file) = place();

    solve(&file, "unblock-the-report");
    progress::update(&file, |progress| progress.chapter("18-blocking-the-runtime").read = true).unwrap();

    let (progress, notice) = Progress::load(&file).unwrap();
    assert_eq!(notice, None);
    assert!(progress.is_solved("unblock-the-report"));
    assert!(progress.chapters["18-blocking-the-runtime"].read);
}

#[test]
fn a_stage_is_kept_and_never_goes_back_and_a_file_from_before_there_were_stages_has_none() {
    let (_folder, file) = place();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, r#"{ "version": 1, "exercises": { "a": { "state": "started", "mood": "good" } } }"#)
        .unwrap();
    let (before, notice) = Progress::load(&file).unwrap();
    assert_eq!((before.exercises["a"].stage, notice), (0, None));

    for stages in [1, 0] {
        progress::update(&file, |progress| progress.exercise("a").reached(stages)).unwrap();
    }

    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["exercises"]["a"]["stage"], 1);
    assert_eq!(kept["exercises"]["a"]["mood"], "good");
}

#[test]
fn a_solved_exercise_stays_solved_and_keeps_its_first_date_when_it_is_tried_again() {
    let (_folder, file) = place();
    solve(&file, "a");

    progress::update(&file, |progress| progress.exercise("a").failed(Some("check"))).unwrap();
    let (progress, _) = progress::update(&file, |progress| {
        progress.exercise("a").passed(datetime!(2027-01-01 12:00 UTC));
    })
    .unwrap();

    let mark = &progress.exercises["a"];
    assert_eq!((mark.state, mark.attempts), (State::Solved, 3));
    assert_eq!(mark.solved_at, Some(datetime!(2026-11-24 12:00 UTC)));
}

#[test]
fn a_file_cut_at_any_byte_is_set_aside_and_its_copy_used() {
    let (_folder, file) = place();
    solve(&file, "unblock-the-report");
    let whole = fs::read(&file).unwrap();
    // The last byte is the line break, without which the file is still whole.
    for length in 0..whole.len() - 1 {
        fs::write(&file, &whole[..length]).unwrap();

        let (progress, notice) = Progress::load(&file).unwrap();

        assert!(progress.is_solved("unblock-the-report"), "cut at {length}");
        let told = notice.expect("the reader is told").to_string();
        assert!(told.contains("was damaged; the last good copy is used"), "{told}");
        assert!(set_aside(&file).contains(&whole[..length].to_vec()), "cut at {length}");
        assert_eq!(Progress::load(&file).unwrap().1, None, "told once");
    }
    assert_eq!(set_aside(&file).len(), whole.len() - 1, "no damaged file took another's place");
}

#[test]
fn a_damaged_file_without_a_copy_is_kept_and_the_loss_is_told() {
    let (_folder, file) = place();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "{\"version\": 1, \"exerc").unwrap();

    let (progress, notice) = Progress::load(&file).unwrap();

    assert_eq!(progress, Progress::default());
    assert!(notice.unwrap().to_string().contains("there is no good copy"));
    assert_eq!(set_aside(&file), [b"{\"version\": 1, \"exerc".to_vec()]);
}

#[test]
fn a_missing_file_is_brought_back_from_its_copy() {
    let (_folder, file) = place();
    solve(&file, "a");
    fs::remove_file(&file).unwrap();

    let (progress, notice) = Progress::load(&file).unwrap();

    assert!(progress.is_solved("a"));
    assert!(notice.unwrap().to_string().contains("was missing"));
}

#[test]
fn fields_of_another_version_are_kept_at_every_level() {
    let (_folder, file) = place();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let theirs = json!({
        "version": 1,
        "theme": "dark",
        "exercises": { "gone-from-the-kit": { "state": "solved", "attempts": 2, "stars": 3 } },
        "chapters": { "18-blocking-the-runtime": { "read": true, "scroll": 0.5 } },
    });
    fs::write(&file, theirs.to_string()).unwrap();

    solve(&file, "new");

    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["theme"], "dark");
    assert_eq!(kept["exercises"]["gone-from-the-kit"], theirs["exercises"]["gone-from-the-kit"]);
    assert_eq!(kept["chapters"], theirs["chapters"]);
}

#[test]
fn a_newer_version_is_refused_and_not_touched() {
    let (_folder, file) = place();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let newer = "{\"version\": 2, \"exercises\": [\"in another shape\"]}";
    fs::write(&file, newer).unwrap();

    let error = progress::update(&file, |_| {}).unwrap_err();

    assert!(matches!(error, ProgressError::Newer { found: 2, .. }), "{error}");
    assert!(error.to_string().contains("Update the kit"));
    assert_eq!(fs::read_to_string(&file).unwrap(), newer);
}

#[test]
fn two_writers_at_once_lose_no_mark() {
    const MARKS: usize = 50;
    let (_folder, file) = place();

    thread::scope(|scope| {
        for writer in ["a", "b"] {
            let file = &file;
            scope.spawn(move || {
                for mark in 0..MARKS {
                    solve(file, &format!("{writer}{mark}"));
                }
            });
        }
    });

    assert_eq!(Progress::load(&file).unwrap().0.exercises.len(), 2 * MARKS);
}

#[test]
fn what_a_killed_writer_left_behind_is_swept_up() {
    let (_folder, file) = place();
    solve(&file, "a");
    let left = file.with_file_name(".unfinished-x1");
    fs::write(&left, "half").unwrap();

    solve(&file, "b");

    assert!(!left.exists());
}

#[cfg(unix)]
#[test]
fn a_reader_never_sees_a_half_written_file() {
    let (_folder, file) = place();
    solve(&file, "a");
    thread::scope(|scope| {
        let writer = scope.spawn(|| (0..50).for_each(|n| solve(&file, &format!("b{n}"))));
        while !writer.is_finished() {
            let whole: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            assert_eq!(whole["exercises"]["a"]["state"], "solved");
        }
    });
}
