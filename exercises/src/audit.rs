//! The rules that every exercise keeps, as far as they can be read from its files. `cargo test` and `cargo exercise prove`
//! both look.

mod stages;

use std::{collections::BTreeSet, fs, path::Path};

use serde::Deserialize;

use crate::{
    hints::{Hints, fingerprint},
    kit::{Exercise, KitError},
};

/// The lines by which every answer includes the checks.
pub const INCLUDES_CHECKS: &str = "#[path = \"../checks.rs\"]\nmod checks;\n";

/// A starter longer than this is not read before it is changed.
const STARTER_LINES: usize = 80;
/// Fewer wrong answers than this leave a mistake untried.
const WRONG_ANSWERS: usize = 3;

/// What the head of a file in `judged/` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its name without `.rs`: `starter`, `solution`, `wrong_…`.
    pub name: String,
    /// The mistake that it makes; only wrong answers say one.
    pub mistake: Option<String>,
    /// The checks that it must fail, and no other.
    pub fails: BTreeSet<String>,
}

impl Judged {
    /// Whether it makes a mistake on purpose.
    pub fn is_wrong(&self) -> bool {
        self.name.starts_with("wrong_")
    }

    /// How many stages of an exercise that has several it passes before it fails.
    pub fn stages_passed(&self, hints: &Hints) -> u8 {
        let stages = self.fails.iter().filter_map(|check| Some(hints.check(check)?.stage));
        stages.min().map_or(0, |stage| stage - 1)
    }

    /// The name of its test target.
    pub fn target(&self, exercise: &Exercise) -> String {
        format!("judged_{:02}_{}", exercise.number, self.name)
    }

    fn read(name: &str, text: &str) -> Self {
        let said =
            |key: &str| text.lines().find_map(|l| l.strip_prefix("//! ")?.strip_prefix(key)).map(str::trim);
        let fails = said("fails:").unwrap_or_default().split(',').map(|check| check.trim().to_owned());
        Self {
            name: name.to_owned(),
            mistake: said("mistake:").map(ToOwned::to_owned),
            fails: fails.filter(|check| !check.is_empty()).collect(),
        }
    }
}

/// The files in `judged/`, by name.
///
/// # Errors
/// If one cannot be read.
pub fn judged(exercise: &Exercise) -> Result<Vec<Judged>, KitError> {
    let folder = exercise.folder.join("judged");
    let mut judged = Vec::new();
    for name in names_in(&folder)? {
        if let Some(stem) = name.strip_suffix(".rs") {
            judged.push(Judged::read(stem, &read(&folder.join(&name))?));
        }
    }
    Ok(judged)
}

/// The rules that the exercise breaks, in words. None is good.
///
/// # Errors
/// If one of its files cannot be read.
pub fn faults(exercise: &Exercise) -> Result<Vec<String>, KitError> {
    let mut faults = Faults(exercise.name(), Vec::new());
    let hints = Hints::read(&exercise.folder.join("hints.toml"))?;
    let checks = read(&exercise.folder.join("checks.rs"))?;
    let judged = judged(exercise)?;
    let hinted: BTreeSet<String> = hints.checks.iter().map(|check| check.name.clone()).collect();

    for name in names_in(&exercise.folder)? {
        let known = ["Cargo.toml", "checks.rs", "hints.toml", "judged", "snapshots", "task.md", "tests"];
        faults.unless(known.contains(&name.as_str()), format!("`{name}` does not belong there"));
    }
    if exercise.folder.join("tests").is_dir() {
        for name in names_in(&exercise.folder.join("tests"))? {
            let own = name.starts_with(&format!("{}.rs", exercise.target()));
            faults.unless(own, format!("`tests/{name}` is nobody's answer"));
        }
    }
    let task = read(&exercise.folder.join("task.md"))?;
    faults.unless(
        task.contains(&format!("*About {} minutes.", hints.minutes)),
        format!("task.md does not say `*About {} minutes.`", hints.minutes),
    );
    for fault in stages::faults(&hints, &task, &judged) {
        faults.add(fault);
    }
    let written = fingerprint(&checks);
    faults.unless(
        hints.fingerprint == written,
        format!("checks.rs has changed: hints.toml needs `fingerprint = \"{written}\"`"),
    );
    faults.unless(
        hints.after.is_some(),
        "hints.toml has no `[after]` with `trade_off` (between solution and second) and `question` (an interviewer's)"
            .to_owned(),
    );
    let tests = tests_in(&checks);
    faults.unless(tests == hinted, format!("checks.rs has the tests {tests:?}, hints.toml names {hinted:?}"));

    for name in ["starter", "solution", "second"] {
        faults.unless(judged.iter().any(|file| file.name == name), format!("judged/{name}.rs is missing"));
    }
    let wrong = judged.iter().filter(|file| file.is_wrong()).count();
    faults.unless(wrong >= WRONG_ANSWERS, format!("{wrong} wrong answers are fewer than {WRONG_ANSWERS}"));
    let starter = read(&exercise.judged("starter"))?.lines().count();
    faults.unless(
        starter <= STARTER_LINES,
        format!("the starter has {starter} lines, more than {STARTER_LINES}"),
    );
    let listed = targets(&exercise.folder.join("Cargo.toml"))?;
    for file in &judged {
        let text = read(&exercise.judged(&file.name))?;
        let path = format!("judged/{}.rs", file.name);
        faults.unless(text.contains(INCLUDES_CHECKS), format!("{path} does not include the checks"));
        let target = file.target(exercise);
        let stanza = listed.iter().find(|listed| listed.name == target);
        let as_it_should = stanza.is_some_and(|listed| listed.path == path && !listed.test);
        faults.unless(
            as_it_should,
            format!("Cargo.toml does not list `{target}` as {path} with `test = false`"),
        );
        let says = file.mistake.is_some() && !file.fails.is_empty();
        faults.unless(
            says == file.is_wrong(),
            format!("{path}: a wrong answer, and no other, says `mistake:` and `fails:`"),
        );
        for check in file.fails.difference(&hinted) {
            faults.add(format!("{path} names the check `{check}`, which does not exist"));
        }
    }
    for check in &hinted {
        let failed = judged.iter().any(|file| file.fails.contains(check));
        faults.unless(failed, format!("no wrong answer fails `{check}`: nothing shows that it can fail"));
    }
    Ok(faults.1)
}

/// The exercise's name, and what was found.
struct Faults(String, Vec<String>);

impl Faults {
    fn add(&mut self, fault: String) {
        self.1.push(format!("{}: {fault}", self.0));
    }

    fn unless(&mut self, holds: bool, fault: String) {
        if !holds {
            self.add(fault);
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    test: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    path: String,
    #[serde(default = "yes")]
    test: bool,
}

fn yes() -> bool {
    true
}

fn targets(manifest: &Path) -> Result<Vec<Listed>, KitError> {
    toml::from_str::<Manifest>(&read(manifest)?)
        .map(|manifest| manifest.test)
        .map_err(|error| KitError::Malformed { path: manifest.to_owned(), fault: error.to_string() })
}

/// The functions under a test attribute.
fn tests_in(source: &str) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let mut marked = false;
    for line in source.lines() {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            tests.extend(rest.split('(').next().map(ToOwned::to_owned));
            marked = false;
        }
    }
    tests
}

fn read(path: &Path) -> Result<String, KitError> {
    let text =
        fs::read_to_string(path).map_err(|source| KitError::Unreadable { path: path.to_owned(), source })?;
    // A checkout on Windows may have changed the line ends.
    Ok(text.replace("\r\n", "\n"))
}

fn names_in(folder: &Path) -> Result<BTreeSet<String>, KitError> {
    let unreadable = |source| KitError::Unreadable { path: folder.to_owned(), source };
    fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| Ok(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_wrong_answer_names_its_mistake_and_its_checks() {
        let head = "//! mistake: a lock around it all.\n//! fails: one, two\n\nfn app() {}\n";

        let judged = Judged::read("wrong_lock", head);

        assert_eq!(judged.mistake.as_deref(), Some("a lock around it all."));
        assert_eq!(judged.fails, BTreeSet::from(["one".to_owned(), "two".to_owned()]));
        assert!(judged.is_wrong());
    }

    #[test]
    fn tests_are_found_by_their_attribute_and_other_functions_are_not() {
        let source =
            "#[test]\nfn one() {}\nfn not() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n";

        assert_eq!(tests_in(source), BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    }
}
