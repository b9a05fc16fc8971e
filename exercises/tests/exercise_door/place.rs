//! A kit of its own with one exercise, in a folder whose name has a space and letters beyond ASCII.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use exercises::hints::fingerprint;
use tempfile::{TempDir, tempdir};

/// What stands in `checks.rs`.
const CHECKS: &str = "the checks";

/// The kit. It goes when this is dropped.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempdir().unwrap());
        let exercise = place.exercise();
        fs::create_dir_all(exercise.join("judged")).unwrap();
        fs::write(place.root().join("exercises/Cargo.toml"), "").unwrap();
        fs::write(exercise.join("task.md"), "# Unblock the report\n").unwrap();
        let hints = format!(
            "minutes = 20\nfingerprint = \"{}\"\n[[check]]\nname = \"it_holds\"\nhints = [\"first\", \"second\", \"third\"]\n",
            fingerprint(CHECKS)
        );
        fs::write(exercise.join("hints.toml"), hints).unwrap();
        fs::write(exercise.join("checks.rs"), CHECKS).unwrap();
        fs::write(exercise.join("judged/starter.rs"), "the starter").unwrap();
        fs::write(exercise.join("judged/solution.rs"), "the solution").unwrap();
        fs::write(exercise.join("judged/second.rs"), "the other solution").unwrap();
        place
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.path().join("käfer und kit")
    }

    pub(crate) fn exercise(&self) -> PathBuf {
        self.root().join("exercises/18-unblock-the-report")
    }

    /// A second exercise, after the first; its folder.
    pub(crate) fn another(&self) -> PathBuf {
        let other = self.exercise().with_file_name("19-bound-the-thumbnails");
        fs::create_dir_all(other.join("judged")).unwrap();
        for file in ["task.md", "hints.toml", "checks.rs", "judged/starter.rs"] {
            fs::copy(self.exercise().join(file), other.join(file)).unwrap();
        }
        other
    }

    pub(crate) fn answer(&self) -> PathBuf {
        self.exercise().join("tests/answer_18.rs")
    }

    pub(crate) fn progress(&self) -> PathBuf {
        self.root().join(".local/progress.json")
    }

    pub(crate) fn type_in(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exercise"));
        // A cargo that cannot be: whatever would be built here is a mistake.
        command.args(words).current_dir(self.root()).env("CARGO", "/nowhere/cargo").output().unwrap()
    }

    #[track_caller]
    pub(crate) fn said(&self, words: &[&str]) -> String {
        let output = self.type_in(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        let output = self.type_in(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.exercise().join("tests")).unwrap().map(|entry| entry.unwrap().path());
        let mut copies: Vec<_> = entries.filter(|path| *path != self.answer()).collect();
        copies.sort();
        copies
    }
}

pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
