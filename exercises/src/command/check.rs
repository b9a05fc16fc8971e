//! `cargo exercise check`: builds the answer, runs it, and says what was seen.

use std::{
    fmt::Write as _,
    fs,
    io::{self, IsTerminal as _},
    pin::pin,
};

use super::{CommandError, INTERRUPTED, NOT_YET, Said, Session, now};
use crate::{
    answer::AnswerError,
    direct,
    hints::{Hints, fingerprint},
    kit::Exercise,
    plain,
    progress::{LastVerdict, Progress},
    prove,
    trial::{self, Ended},
    verdict::{self, Verdict},
};

impl Session {
    pub(super) async fn check(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let interrupted = trial::interruption()?;
        self.judge(exercise, interrupted).await
    }

    /// Judges the answer as it is now, keeps the mark and says what was seen.
    pub(super) async fn judge(
        &self,
        exercise: &Exercise,
        interrupted: impl Future<Output = ()>,
    ) -> Result<Said, CommandError> {
        let answer = exercise.answer();
        if !answer.exists() {
            return Err(AnswerError::NotStarted { path: answer, number: exercise.number }.into());
        }
        let hints = Hints::read(&exercise.folder.join("hints.toml"))?;
        let checks = fs::read_to_string(exercise.folder.join("checks.rs"))?;
        if fingerprint(&checks) != hints.fingerprint {
            let file = exercise.shown("checks.rs");
            return Err(CommandError::Refused(format!(
                "{file} is not the one that the kit ships, so nothing was judged. `git checkout {file}` brings it back."
            )));
        }
        let target = exercise.target();
        let mut interrupted = pin!(interrupted);
        let building = Building::begin(&exercise.name());
        let built =
            direct::build(self.kit.root(), exercise, interrupted.as_mut(), |line| building.hear(line)).await;
        building.end();
        // Held until the program has run.
        let Some(built) = built? else { return Ok(interrupted_said()) };
        let build = &built.build;
        let verdict = match build.program(&target).filter(|_| build.succeeded) {
            None => verdict::refused(exercise, build),
            Some(program) => {
                let trial = prove::sit(program, &exercise.folder, interrupted).await?;
                if matches!(trial.ended, Ended::Interrupted) {
                    return Ok(interrupted_said());
                }
                verdict::judge(&hints, &trial)
            }
        };
        self.tell_verdict(exercise, &verdict)
    }

    fn tell_verdict(&self, exercise: &Exercise, verdict: &Verdict) -> Result<Said, CommandError> {
        let Exercise { number, slug, .. } = exercise;
        let now = now();
        let progress = self.mark(exercise, |mark| {
            if verdict.solved {
                mark.passed(now)
            } else {
                mark.failed(verdict.failed.as_deref())
            }
            mark.reached(verdict.stages_done);
            mark.last = Some(LastVerdict { at: now, solved: verdict.solved, text: shortened(&verdict.text) });
        });
        let word = match verdict.stages_done {
            _ if verdict.solved => "solved".to_owned(),
            0 => "not yet".to_owned(),
            done => format!("stage {done} of {} done", exercise.stages),
        };
        let mut text = format!("{number:02} {slug} · {word}\n\n{}\n\n", verdict.text.trim_end());
        if verdict.solved {
            let _ = writeln!(text, "compare: {}", self.typed('s', &format!("solution {number:02}")));
            if let Some(progress) = progress {
                text.push_str(&self.after_solved(exercise, &progress)?);
            }
        } else if verdict.failed.is_some() {
            let task = exercise.shown("task.md");
            let hint = self.typed('h', &format!("hint {number:02}"));
            let _ = writeln!(text, "next: {hint}     (or open {task})");
        } else {
            let file = exercise.shown(&format!("tests/{}.rs", exercise.target()));
            let then = match self.watching.get() {
                true => " and save it".to_owned(),
                false => format!(", then cargo exercise check {number:02}"),
            };
            let _ = writeln!(text, "next: mend {file}{then}");
        }
        Ok(Said { text, code: if verdict.solved { 0 } else { NOT_YET } })
    }

    /// Where to go from an exercise that is solved.
    fn after_solved(&self, exercise: &Exercise, progress: &Progress) -> Result<String, CommandError> {
        match self.after(exercise)? {
            Some(next) if self.watching.get() => Ok(format!(
                "next: {}     ({}, about {} minutes)\n",
                self.typed('n', ""),
                next.name(),
                next.minutes
            )),
            _ => self.next(progress),
        }
    }
}

/// The most bytes of a verdict that are kept for the study site; the terminal has shown the rest.
const KEPT: usize = 4096;

fn shortened(text: &str) -> String {
    let text = text.trim_end();
    let Some(end) = (text.len() > KEPT).then(|| text.floor_char_boundary(KEPT)) else {
        return text.to_owned();
    };
    format!("{}\n  …", &text[..end])
}

/// The line that shows on a terminal that a build goes on. Elsewhere only a wait for another cargo is told.
struct Building {
    name: String,
    terminal: bool,
}

impl Building {
    fn begin(name: &str) -> Self {
        let building = Self { name: name.to_owned(), terminal: io::stderr().is_terminal() };
        building.show("");
        building
    }

    fn hear(&self, line: &str) {
        let line = plain(line.trim());
        if line.starts_with("Compiling") || line.starts_with("Blocking") {
            self.show(&line);
        }
        if line.starts_with("Blocking") && !self.terminal {
            eprintln!("{line}");
        }
    }

    fn show(&self, what: &str) {
        if self.terminal {
            // Cut, so that the line never wraps and can be written over.
            let what: String = what.chars().take(40).collect();
            eprint!("\r{:<78}\r", format!("building {}  {what}", self.name));
        }
    }

    fn end(&self) {
        if self.terminal {
            eprint!("\r{:<78}\r", "");
        }
    }
}

fn interrupted_said() -> Said {
    Said { text: "interrupted; nothing was judged and nothing was changed\n".to_owned(), code: INTERRUPTED }
}
