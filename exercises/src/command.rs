//! What the door `cargo exercise` does for each of its words.

mod answer;
mod check;
mod watch;

use std::{
    cell::Cell,
    fmt::{self, Write as _},
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Subcommand;
use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    answer::AnswerError,
    kit::{Exercise, Kit, KitError},
    mutate::{self, MutateError},
    progress::{self, ExerciseMark, Progress, ProgressError},
    prove::{self, ProveError},
};

/// A word after `cargo exercise`; without one it says where you are.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Show all exercises and how far you are
    List,
    /// Make your answer from the starter
    Start {
        /// Its number or name, such as 18
        exercise: String,
    },
    /// Judge your answer (the one you are at, if you name none)
    Check {
        /// Its number or name, such as 18
        exercise: Option<String>,
    },
    /// Judge it again each time you save it
    Watch {
        /// Its number or name, such as 18
        exercise: Option<String>,
        /// Only lines: no single keys, nothing on the screen is wiped
        #[arg(long)]
        plain: bool,
        /// Look at the file instead of being told of saves, such as on a network drive
        #[arg(long)]
        poll: bool,
    },
    /// Show the next hint for what failed last
    Hint {
        /// Its number or name, such as 18
        exercise: Option<String>,
    },
    /// Show the kit's solution, once yours has passed
    Solution {
        /// Its number or name, such as 18
        exercise: Option<String>,
        /// Show it although yours has not passed
        #[arg(long)]
        anyway: bool,
    },
    /// Begin again from the starter; your answer is kept as a dated copy
    Reset {
        /// Its number or name, such as 18
        exercise: String,
    },
    /// Bring back the latest dated copy
    Restore {
        /// Its number or name, such as 18
        exercise: String,
    },
    /// For authors: prove that starters fail, solutions pass, and wrong answers fail for their reason
    Prove {
        /// Its number or name, such as 18; all if you name none
        exercise: Option<String>,
    },
    /// For authors: change the solution in small ways and count what the checks notice (needs cargo-mutants)
    Mutate {
        /// Its number or name, such as 18; all if you name none
        exercise: Option<String>,
    },
}

#[derive(Debug, Error)]
enum CommandError {
    #[error(transparent)]
    Kit(#[from] KitError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error(transparent)]
    Progress(#[from] ProgressError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Mutate(#[from] MutateError),
    #[error("a program could not be started: {0}")]
    Start(#[from] io::Error),
    #[error("{0}")]
    Refused(String),
}

/// What is printed in the end, and the status with which the program ends.
struct Said {
    text: String,
    code: u8,
}

/// The status after "not yet".
const NOT_YET: u8 = 1;
/// The status after an error that is no verdict.
const FAILED: u8 = 2;
/// The status that a shell expects of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// Does what was asked for and prints it.
pub async fn run(command: Option<Command>) -> ExitCode {
    let said = match Kit::find().map_err(CommandError::from) {
        Ok(kit) => Session { kit, raw: Cell::new(false), watching: Cell::new(false) }.run(command).await,
        Err(error) => Err(error),
    };
    let (text, code) = match said {
        Ok(Said { text, code }) => (text, code),
        Err(error) => {
            eprintln!("exercise: {error}");
            (String::new(), FAILED)
        }
    };
    // A reader that has gone away, such as `head`, is no reason to panic.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::from(code)
}

struct Session {
    kit: Kit,
    /// The terminal does not begin new lines by itself.
    raw: Cell<bool>,
    /// Keys are listened to, so a message names the key and not the command.
    watching: Cell<bool>,
}

impl Session {
    async fn run(&self, command: Option<Command>) -> Result<Said, CommandError> {
        match command {
            None => self.where_am_i(),
            Some(Command::List) => self.list(),
            Some(Command::Start { exercise }) => self.start(&self.kit.exercise(&exercise)?),
            Some(Command::Check { exercise }) => self.check(&self.pick(exercise)?).await,
            Some(Command::Watch { exercise, plain, poll }) => self.watch(exercise, plain, poll).await,
            Some(Command::Hint { exercise }) => self.hint(&self.pick(exercise)?),
            Some(Command::Solution { exercise, anyway }) => self.solution(&self.pick(exercise)?, anyway),
            Some(Command::Reset { exercise }) => self.reset(&self.kit.exercise(&exercise)?),
            Some(Command::Restore { exercise }) => self.restore(&self.kit.exercise(&exercise)?),
            Some(Command::Prove { exercise }) => self.prove(exercise).await,
            Some(Command::Mutate { exercise }) => {
                let text = mutate::mutate(&self.kit, &self.named_or_all(exercise)?).await?;
                Ok(Said { text, code: 0 })
            }
        }
    }

    fn progress(&self) -> Result<Progress, CommandError> {
        let (progress, notice) = Progress::load(&self.kit.progress_file())?;
        self.tell(notice.as_ref());
        Ok(progress)
    }

    /// Changes the mark of an exercise. A mark that cannot be kept is told and does not take the verdict away.
    fn mark(&self, exercise: &Exercise, change: impl FnOnce(&mut ExerciseMark)) -> Option<Progress> {
        match progress::update(&self.kit.progress_file(), |progress| {
            change(progress.exercise(&exercise.slug))
        }) {
            Ok((progress, notice)) => {
                self.tell(notice.as_ref());
                Some(progress)
            }
            Err(error) => {
                self.tell(Some(&format!("exercise: {error}")));
                None
            }
        }
    }

    /// Something to know beside the verdict.
    fn tell(&self, notice: Option<&impl fmt::Display>) {
        if let Some(notice) = notice {
            eprint!("{notice}{}", if self.raw.get() { "\r\n" } else { "\n" });
        }
    }

    /// What to type: the key while keys are listened to, else the command.
    fn typed(&self, key: char, command: &str) -> String {
        if self.watching.get() { format!("key {key}") } else { format!("cargo exercise {command}") }
    }

    /// The exercise that was named, else the one that the reader is at.
    fn pick(&self, asked: Option<String>) -> Result<Exercise, CommandError> {
        if let Some(asked) = asked {
            return Ok(self.kit.exercise(&asked)?);
        }
        let progress = self.progress()?;
        let exercises = self.in_order()?;
        under_way(&exercises, &progress).cloned().ok_or_else(|| {
            CommandError::Refused(
                "no exercise is under way; name one, such as `cargo exercise start 18`.".to_owned(),
            )
        })
    }

    fn in_order(&self) -> Result<Vec<Exercise>, CommandError> {
        let mut exercises = self.kit.exercises()?;
        exercises.sort_by_key(Exercise::rank);
        Ok(exercises)
    }

    fn where_am_i(&self) -> Result<Said, CommandError> {
        let progress = self.progress()?;
        let exercises = self.in_order()?;
        let solved = exercises.iter().filter(|exercise| progress.is_solved(&exercise.slug)).count();
        let mut text = format!("{solved} of {} exercises solved\n", exercises.len());
        text.push_str(&self.next(&progress)?);
        Ok(Said { text, code: 0 })
    }

    /// The line that says what to type next, whatever has been solved.
    fn next(&self, progress: &Progress) -> Result<String, CommandError> {
        let exercises = self.in_order()?;
        let open = exercises.iter().find(|exercise| !progress.is_solved(&exercise.slug));
        Ok(match (under_way(&exercises, progress), open) {
            (Some(exercise), _) => {
                let (name, number) = (exercise.name(), exercise.number);
                format!(
                    "under way: {name}, your answer is exercises/{name}/tests/answer_{number:02}.rs\n\
                     next: cargo exercise check {number:02}\n"
                )
            }
            (None, Some(Exercise { number, title, minutes, .. })) => {
                format!("next: cargo exercise start {number:02}     ({title}, about {minutes} minutes)\n")
            }
            (None, None) => "All are solved. next: cargo study     (the interview questions)\n".to_owned(),
        })
    }

    fn list(&self) -> Result<Said, CommandError> {
        let progress = self.progress()?;
        let mut text = String::new();
        for exercise in self.kit.exercises()? {
            let mark = progress.exercises.get(&exercise.slug);
            let state = match mark {
                Some(mark) => mark.state_of(exercise.stages),
                None if exercise.answer().exists() => "started".to_owned(),
                None => "-".to_owned(),
            };
            let attempts = match mark.map_or(0, |mark| mark.attempts) {
                0 => String::new(),
                1 => "1 attempt".to_owned(),
                n => format!("{n} attempts"),
            };
            let Exercise { number, slug, title, minutes, .. } = &exercise;
            let line =
                format!("{number:02}  {slug:<24} {minutes:>3} min  {state:<12} {attempts:<12} {title}");
            let _ = writeln!(text, "{line}");
        }
        Ok(Said { text, code: 0 })
    }

    fn named_or_all(&self, asked: Option<String>) -> Result<Vec<Exercise>, KitError> {
        match asked {
            Some(asked) => Ok(vec![self.kit.exercise(&asked)?]),
            None => self.kit.exercises(),
        }
    }

    async fn prove(&self, asked: Option<String>) -> Result<Said, CommandError> {
        let proof = prove::prove(&self.kit, &self.named_or_all(asked)?).await?;
        let code = match (proof.interrupted, proof.holds) {
            (true, _) => INTERRUPTED,
            (false, true) => 0,
            (false, false) => NOT_YET,
        };
        Ok(Said { text: proof.text, code })
    }
}

/// The first exercise that has an answer and is not solved.
fn under_way<'a>(exercises: &'a [Exercise], progress: &Progress) -> Option<&'a Exercise> {
    let mut open = exercises.iter().filter(|exercise| !progress.is_solved(&exercise.slug));
    open.find(|exercise| exercise.answer().exists())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the door is where the time of day comes in; everything behind it is handed it"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
