//! How strong the checks are: the reference solution is changed in small ways, and the checks have to notice.
//!
//! `cargo-mutants` names the changes; the runner judges each like an answer. [`Strength`] keeps what was found.

use std::{collections::BTreeMap, fs, io, path::PathBuf, process::Stdio, sync::Arc};

use serde::Deserialize;
use thiserror::Error;
use tokio::{process::Command, sync::Semaphore, task::JoinSet};

use crate::{
    audit::INCLUDES_CHECKS,
    compile::{self, Build},
    hints::Hints,
    kit::{Exercise, Kit, KitError},
    prove::{AT_ONCE, sit},
    strength::{self, Examined, Strength, Survivor},
    trial, verdict,
};

/// Why nothing was examined. The text names the next step.
#[derive(Debug, Error)]
pub enum MutateError {
    /// The kit cannot be read.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// The tool is missing, or failed.
    #[error("`cargo mutants` does not list the changes ({0}). `cargo install cargo-mutants` gets it.")]
    Tool(String),
    /// The tool's answer is not understood.
    #[error("`cargo mutants --list --json` answers something else than this program knows: {0}")]
    Answer(#[from] serde_json::Error),
    /// A file or a program.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A change, as `cargo mutants --list --json` tells it.
#[derive(Debug, Deserialize)]
struct Mutant {
    name: String,
    span: Span,
    replacement: String,
}

#[derive(Debug, Deserialize)]
struct Span {
    start: Place,
    end: Place,
}

/// Line and column from 1; columns count characters.
#[derive(Debug, Deserialize)]
struct Place {
    line: usize,
    column: usize,
}

/// Examines the exercises, keeps what was found, and says it.
///
/// # Errors
/// If the tool is missing, or a file or program refuses.
pub async fn mutate(kit: &Kit, exercises: &[Exercise]) -> Result<String, MutateError> {
    let mut text = String::new();
    for exercise in exercises {
        let before = Strength::read(kit)?;
        let examined = examine(kit, exercise, before.of(exercise)).await?;
        text.push_str(&format!("{}  {} of {} refused\n", exercise.name(), examined.killed, examined.mutants));
        for Survivor { mutant, because } in &examined.survivors {
            let because = if because.is_empty() { "no reason given yet" } else { because };
            text.push_str(&format!("    passes: {mutant} ({because})\n"));
        }
        let mut strength = before;
        strength.exercises.retain(|other| other.number != examined.number);
        strength.exercises.push(examined);
        strength.exercises.sort_by_key(|examined| examined.number);
        strength.pending.retain(|pending| pending.number != exercise.number);
        strength.write(kit)?;
    }
    Ok(text)
}

async fn examine(kit: &Kit, exercise: &Exercise, before: Option<&Examined>) -> Result<Examined, MutateError> {
    let solution = fs::read_to_string(exercise.judged("solution"))?.replace("\r\n", "\n");
    let mutants = list(&solution).await?;
    let changed = Changed::write(exercise, &solution, &mutants)?;
    let hints = Arc::new(Hints::read(&exercise.folder.join("hints.toml"))?);
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let build = match changed.pattern() {
        Some(pattern) => compile::build(kit.root(), &pattern, trial::interruption()?, |_| {})
            .await?
            .ok_or_else(|| io::Error::other("interrupted"))?,
        None => Build::default(),
    };
    for (at, target) in changed.targets.iter().enumerate() {
        // A change that does not compile is no mistake that a learner could hand in.
        let Some(program) = build.program(target).cloned() else { continue };
        let (folder, hints, permits) = (exercise.folder.clone(), Arc::clone(&hints), Arc::clone(&permits));
        running.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let trial = sit(&program, &folder, trial::interruption()?).await?;
            // Nobody runs it again, and each takes its megabytes.
            fs::remove_file(&program.path)?;
            Ok::<_, io::Error>((at, verdict::judge(&hints, &trial).solved))
        });
    }
    let mut passed = BTreeMap::new();
    while let Some(joined) = running.join_next().await {
        let (at, solved) = joined.map_err(io::Error::other)??;
        passed.insert(at, solved);
    }
    let reason = |mutant: &str| {
        let known = before.into_iter().flat_map(|before| &before.survivors);
        known.filter(|known| known.mutant == mutant).map(|known| known.because.clone()).next()
    };
    let survivors: Vec<_> = passed
        .iter()
        .filter(|(_, solved)| **solved)
        .map(|(at, _)| {
            let mutant = mutants[*at].name.clone();
            Survivor { because: reason(&mutant).unwrap_or_default(), mutant }
        })
        .collect();
    Ok(Examined {
        number: exercise.number,
        fingerprint: strength::of_files(exercise)?,
        mutants: passed.len(),
        killed: passed.len() - survivors.len(),
        survivors,
    })
}

/// Asks the tool for the changes of a source text.
async fn list(source: &str) -> Result<Vec<Mutant>, MutateError> {
    let crate_of_it = tempfile::tempdir()?;
    let root = crate_of_it.path();
    fs::create_dir(root.join("src"))?;
    fs::write(root.join("Cargo.toml"), "[package]\nname = \"solution\"\nedition = \"2024\"\n[workspace]\n")?;
    // As many lines as before: the tool tells places by line.
    fs::write(root.join("src/lib.rs"), source.replace(INCLUDES_CHECKS, "\n\n"))?;
    let output = Command::new("cargo")
        .args(["mutants", "--list", "--json", "--dir"])
        .arg(root)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| MutateError::Tool(error.to_string()))?;
    if !output.status.success() {
        let said = crate::plain(&String::from_utf8_lossy(&output.stderr));
        return Err(MutateError::Tool(said.lines().next().unwrap_or("no word of why").to_owned()));
    }
    let mutants: Vec<Mutant> = serde_json::from_slice(&output.stdout)?;
    // Two places of one function can be changed into the same words.
    let mut seen = BTreeMap::<_, usize>::new();
    let named = mutants.into_iter().map(|mut mutant| {
        mutant.name = mutant.name.splitn(4, ':').last().unwrap_or_default().trim().to_owned();
        let times = seen.entry(mutant.name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            mutant.name = format!("{} ({times})", mutant.name);
        }
        mutant
    });
    Ok(named.collect())
}

/// The changed solutions, as test targets of the exercise. Dropping this removes them.
struct Changed {
    exercise: u8,
    targets: Vec<String>,
    files: Vec<PathBuf>,
}

impl Changed {
    fn write(exercise: &Exercise, solution: &str, mutants: &[Mutant]) -> io::Result<Self> {
        let mut changed = Self { exercise: exercise.number, targets: Vec::new(), files: Vec::new() };
        let folder = exercise.folder.join("tests");
        fs::create_dir_all(&folder)?;
        for (at, mutant) in mutants.iter().enumerate() {
            let target = format!("mutant_{:02}_{at}", exercise.number);
            let path = folder.join(format!("{target}.rs"));
            changed.files.push(path.clone());
            changed.targets.push(target);
            // What the change leaves unused is no reason to refuse it.
            let source = format!("#![allow(warnings)]\n{}", apply(solution, mutant));
            fs::write(path, source)?;
        }
        Ok(changed)
    }

    /// Which targets cargo has to build; none if there is nothing to change.
    fn pattern(&self) -> Option<String> {
        (!self.targets.is_empty()).then(|| format!("mutant_{:02}_*", self.exercise))
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }
}

fn apply(source: &str, Mutant { span: Span { start, end }, replacement, .. }: &Mutant) -> String {
    let offset = |place: &Place| {
        let before: usize = source.split_inclusive('\n').take(place.line - 1).map(str::len).sum();
        let rest = &source[before..];
        before + rest.char_indices().nth(place.column - 1).map_or(rest.len(), |(at, _)| at)
    };
    format!("{}{replacement}{}", &source[..offset(start)], &source[offset(end)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_replaces_its_span_and_nothing_else() {
        let source = "fn ü() {\n    1 + 2\n}\n";
        let place = |line, column| Place { line, column };
        let mutant = Mutant {
            name: String::new(),
            span: Span { start: place(2, 7), end: place(2, 8) },
            replacement: "-".to_owned(),
        };

        assert_eq!(apply(source, &mutant), "fn ü() {\n    1 - 2\n}\n");
    }
}
