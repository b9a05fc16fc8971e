//! Whether what proves a question or shows a claim exists: a command, a file of this workspace, or an address.
//!
//! Nothing is run. A command is followed as far as names go: the lesson, its experiment and variant, the test.

use std::{fs, path::Path};

use crate::{Library, library::sorted};

/// Whether there is such a proof.
///
/// # Errors
/// If there is none; the text says which part of it does not exist.
pub(super) fn exists(library: &Library, proof: &str) -> Result<(), String> {
    let words: Vec<&str> = proof.split_whitespace().collect();
    match words.as_slice() {
        [address] if address.starts_with("https://") => Ok(()),
        ["cargo", "lab", lesson, options @ ..] => lab(lesson, options),
        ["cargo", "exercise", .., number] => {
            exercises::Kit::at(library.root()).exercise(number).map(drop).map_err(|error| error.to_string())
        }
        ["cargo", "test", "--test", "proof", names @ ..] => {
            let folders = sorted(&library.root().join("lessons"));
            test(names, folders.iter().map(|folder| folder.join("tests")))
        }
        ["cargo", "test", "--lib", names @ ..] => {
            let members = ["reference-api", "book", "exercises"].map(|name| library.root().join(name));
            let lessons = sorted(&library.root().join("lessons"));
            test(names, members.into_iter().chain(lessons).map(|folder| folder.join("src")))
        }
        // Doors and commands of cargo without a name to follow.
        ["cargo", "api" | "bench" | "build" | "doc" | "load" | "record" | "tree", ..] => Ok(()),
        [file] if library.root().join(file).is_file() => Ok(()),
        [file] => Err(format!("there is no file `{file}`.")),
        _ => Err("this is no command that the check knows.".to_owned()),
    }
}

fn lab(lesson: &str, options: &[&str]) -> Result<(), String> {
    let lesson = catalogue::find(lesson).map_err(|error| error.to_string())?;
    let mut experiments: Vec<_> = lesson.experiments.iter().collect();
    for option in options.chunks(2) {
        match option {
            ["--experiment", name] => experiments.retain(|experiment| experiment.slug == *name),
            ["--variant", name] => experiments.retain(|experiment| experiment.variant(name).is_some()),
            ["--set", setting] => {
                let name = setting.split('=').next().unwrap_or_default();
                experiments
                    .retain(|experiment| experiment.controls.iter().any(|control| control.name == name));
            }
            other => return Err(format!("the check does not know `{}`.", other.join(" "))),
        }
        if experiments.is_empty() {
            return Err(format!("lesson {:02} has nothing for `{}`.", lesson.number, option.join(" ")));
        }
    }
    Ok(())
}

/// Whether a test's name contains the one name that is asked for; without one, all tests are meant.
fn test(names: &[&str], folders: impl Iterator<Item = std::path::PathBuf>) -> Result<(), String> {
    let name = match names {
        [] => return Ok(()),
        [name] | ["--", name] => *name,
        several => return Err(format!("`{}` is more than one name.", several.join(" "))),
    };
    let mut folders = folders;
    if folders.any(|folder| is_in(&folder, name)) {
        Ok(())
    } else {
        Err(format!("no test is called `{name}…`."))
    }
}

fn is_in(folder: &Path, name: &str) -> bool {
    sorted(folder).iter().any(|path| {
        if path.is_dir() {
            return is_in(path, name);
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        // Between the attribute and the function there may be others.
        let mut after_test = false;
        text.lines().map(str::trim).any(|line| {
            let function = line.split_once("fn ").map(|(_, rest)| rest.split('(').next().unwrap_or_default());
            let found = after_test && function.is_some_and(|function| function.contains(name));
            after_test =
                line.starts_with("#[test]") || line.contains("::test") || (after_test && function.is_none());
            found
        })
    })
}
