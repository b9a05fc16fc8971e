//! The authors' proof: every starter fails, every right answer passes, every wrong answer fails for its own reason.

use std::{collections::BTreeSet, fmt::Write as _, io, path::Path, sync::Arc};

use thiserror::Error;
use tokio::{process::Command, sync::Semaphore, task::JoinSet};

use crate::{
    audit::{self, Judged},
    compile::{self, Build, Program},
    hints::Hints,
    kit::{Exercise, Kit, KitError},
    record::ARGUMENTS,
    strength::Strength,
    trial::{self, Ended, Limits, Trial},
    verdict::{self, Verdict},
};

/// A wrong answer spends its time waiting for peers that never come, so several share a core well.
pub(crate) const AT_ONCE: usize = 4;

/// What the proof has shown.
#[derive(Debug)]
pub struct Proof {
    /// One line for each file and rule, and a sum at the end.
    pub text: String,
    /// Whether everything is as it should be.
    pub holds: bool,
    /// Whether somebody interrupted it.
    pub interrupted: bool,
}

/// Why nothing could be proven.
#[derive(Debug, Error)]
pub enum ProveError {
    /// The kit cannot be read.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// A program cannot be started.
    #[error("a program could not be started: {0}")]
    Start(#[from] io::Error),
}

/// Proves the given exercises, which must all belong to the kit.
///
/// # Errors
/// If a file cannot be read or a program cannot be started.
pub async fn prove(kit: &Kit, exercises: &[Exercise]) -> Result<Proof, ProveError> {
    let pattern = match exercises {
        [one] => format!("judged_{:02}_*", one.number),
        _ => "judged_*".to_owned(),
    };
    let Some(build) = compile::build(kit.root(), &pattern, trial::interruption()?, |_| {}).await? else {
        return Ok(Proof { text: "interrupted\n".to_owned(), holds: false, interrupted: true });
    };
    let strength = Strength::read(kit)?;
    let mut tally = Tally::default();
    if !build.succeeded {
        for said in &build.diagnostics {
            let _ = writeln!(tally.text, "{}", said.rendered);
        }
        tally.count(
            false,
            "the judged files are built",
            build.log.last().map_or("cargo failed", String::as_str),
        );
    }
    for exercise in exercises {
        let mut faults = audit::faults(exercise)?;
        faults.extend(strength.faults(exercise)?);
        for fault in &faults {
            tally.count(false, &exercise.name(), fault);
        }
        if faults.is_empty() {
            tally.count(true, &exercise.name(), "its files keep the rules");
        }
    }
    let (judged, interrupted) = run_all(exercises, &build).await?;
    for (exercise, file, verdict) in judged {
        let due = file.stages_passed(&Hints::read(&exercise.folder.join("hints.toml"))?);
        let (holds, seen) = compare(&exercise, &file, due, verdict.as_ref(), &build);
        tally.count(holds, &format!("{} {}", exercise.name(), file.name), &seen);
    }
    let Tally { mut text, passed, failed } = tally;
    let _ =
        writeln!(text, "{}{passed} passed, {failed} failed", if interrupted { "interrupted; " } else { "" });
    Ok(Proof { text, holds: failed == 0 && !interrupted, interrupted })
}

type Outcome = (Exercise, Judged, Option<Verdict>);

/// Runs every judged file that was built; the others have no verdict.
async fn run_all(exercises: &[Exercise], build: &Build) -> Result<(Vec<Outcome>, bool), ProveError> {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for exercise in exercises {
        let hints = Arc::new(Hints::read(&exercise.folder.join("hints.toml"))?);
        for file in audit::judged(exercise)? {
            let program = build.program(&file.target(exercise)).cloned();
            let (exercise, hints, permits) = (exercise.clone(), Arc::clone(&hints), Arc::clone(&permits));
            running.spawn(async move {
                // Never closed, so this always succeeds; without a permit the run would only be slower.
                let _permit = permits.acquire_owned().await;
                let trial = match program {
                    Some(program) => Some(sit(&program, &exercise.folder, trial::interruption()?).await?),
                    None => None,
                };
                let interrupted =
                    trial.as_ref().is_some_and(|trial| matches!(trial.ended, Ended::Interrupted));
                Ok::<_, io::Error>((
                    exercise,
                    file,
                    trial.map(|trial| verdict::judge(&hints, &trial)),
                    interrupted,
                ))
            });
        }
    }
    let mut outcomes = Vec::new();
    let mut any_interrupted = false;
    while let Some(joined) = running.join_next().await {
        let (exercise, file, verdict, interrupted) = joined.map_err(io::Error::other)??;
        any_interrupted |= interrupted;
        outcomes.push((exercise, file, verdict));
    }
    outcomes.sort_by_key(|(exercise, file, _)| (exercise.number, file.is_wrong(), file.name.clone()));
    Ok((outcomes, any_interrupted))
}

/// Runs an answer as a learner's is run.
///
/// # Errors
/// If it cannot be started.
pub(crate) async fn sit(
    program: &Program,
    folder: &Path,
    interrupted: impl Future<Output = ()>,
) -> io::Result<Trial> {
    let mut command = Command::new(&program.path);
    command
        .args(ARGUMENTS)
        .current_dir(folder)
        // A backtrace buries the message that the learner needs.
        .env("RUST_BACKTRACE", "0")
        // A snapshot that does not fit is a finding, not something to accept.
        .env("INSTA_UPDATE", "no");
    trial::run(command, Limits::ANSWER, interrupted).await
}

/// Whether the file did what a file of its name has to do, and what it did.
fn compare(
    exercise: &Exercise,
    file: &Judged,
    stages_due: u8,
    verdict: Option<&Verdict>,
    build: &Build,
) -> (bool, String) {
    let Some(verdict) = verdict else { return (false, "was not built".to_owned()) };
    let failed: BTreeSet<String> = verdict.all_failed.iter().cloned().collect();
    let list = |checks: &BTreeSet<String>| checks.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    if file.name == "starter" {
        let target = file.target(exercise);
        if build.diagnostics.iter().any(|said| said.target == target) {
            return (false, "compiles with warnings".to_owned());
        }
        return (!verdict.solved, format!("fails {}", list(&failed)));
    }
    if file.is_wrong() && verdict.stages_done < stages_due {
        return (false, format!("must pass stage {stages_due}; fails {}", list(&failed)));
    }
    if file.is_wrong() {
        // A machine under load may fail a check more. What counts is that none of the named ones lets it pass.
        if file.fails.is_subset(&failed) && !verdict.solved {
            return (true, format!("fails {}", list(&failed)));
        }
        return (false, format!("must fail {}; fails {}", list(&file.fails), list(&failed)));
    }
    if verdict.solved {
        (true, "passes".to_owned())
    } else {
        (false, format!("must pass:\n{}", verdict.text))
    }
}

#[derive(Default)]
struct Tally {
    text: String,
    passed: u32,
    failed: u32,
}

impl Tally {
    fn count(&mut self, holds: bool, what: &str, seen: &str) {
        let word = if holds { "ok    " } else { "FAILED" };
        *(if holds { &mut self.passed } else { &mut self.failed }) += 1;
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{word}  {what:<54}  {seen}");
    }
}
