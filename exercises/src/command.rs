//! What the door `cargo exercise` does for each of its words.

use std::{
    fmt::Write as _,
    fs,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Subcommand;
use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    answer::{self, AnswerError},
    compile,
    hints::{Hints, fingerprint, sentence},
    kit::{Exercise, Kit, KitError},
    plain,
    progress::{self, ExerciseMark, Notice, Progress, ProgressError, State},
    prove::{self, ProveError},
    trial::{self, Ended},
    verdict::{self, Verdict},
    wrap,
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
        Ok(kit) => Session { kit }.run(command).await,
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
}

impl Session {
    async fn run(&self, command: Option<Command>) -> Result<Said, CommandError> {
        match command {
            None => self.where_am_i(),
            Some(Command::List) => self.list(),
            Some(Command::Start { exercise }) => self.start(&self.kit.exercise(&exercise)?),
            Some(Command::Check { exercise }) => self.check(&self.pick(exercise)?).await,
            Some(Command::Hint { exercise }) => self.hint(&self.pick(exercise)?),
            Some(Command::Solution { exercise, anyway }) => self.solution(&self.pick(exercise)?, anyway),
            Some(Command::Reset { exercise }) => self.reset(&self.kit.exercise(&exercise)?),
            Some(Command::Restore { exercise }) => self.restore(&self.kit.exercise(&exercise)?),
            Some(Command::Prove { exercise }) => self.prove(exercise).await,
        }
    }

    fn progress(&self) -> Result<Progress, CommandError> {
        let (progress, notice) = Progress::load(&self.kit.progress_file())?;
        tell(notice.as_ref());
        Ok(progress)
    }

    /// Changes the mark of an exercise. A mark that cannot be kept is told and does not take the verdict away.
    fn mark(&self, exercise: &Exercise, change: impl FnOnce(&mut ExerciseMark)) -> Option<Progress> {
        match progress::update(&self.kit.progress_file(), |progress| {
            change(progress.exercise(&exercise.slug))
        }) {
            Ok((progress, notice)) => {
                tell(notice.as_ref());
                Some(progress)
            }
            Err(error) => {
                eprintln!("exercise: {error}");
                None
            }
        }
    }

    /// The exercise that was named, else the one that the reader is at.
    fn pick(&self, asked: Option<String>) -> Result<Exercise, CommandError> {
        if let Some(asked) = asked {
            return Ok(self.kit.exercise(&asked)?);
        }
        let progress = self.progress()?;
        let exercises = self.in_order()?;
        let open = |exercise: &&Exercise| !progress.is_solved(&exercise.slug);
        let started = exercises.iter().filter(open).find(|exercise| exercise.answer().exists());
        started.cloned().ok_or_else(|| {
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
        let mut open = exercises.iter().filter(|exercise| !progress.is_solved(&exercise.slug));
        let under_way = open.clone().find(|exercise| exercise.answer().exists());
        Ok(match (under_way, open.next()) {
            (Some(Exercise { number, .. }), _) => {
                let exercise = under_way.map(Exercise::name).unwrap_or_default();
                format!(
                    "under way: {exercise}, your answer is exercises/{exercise}/tests/answer_{number:02}.rs\n\
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
        for Exercise { number, slug, title, minutes, folder } in self.kit.exercises()? {
            let exercise = Exercise { number, slug, title, minutes, folder };
            let mark = progress.exercises.get(&exercise.slug);
            let state = match mark.map(|mark| mark.state) {
                Some(State::Solved) => "solved",
                Some(State::Started) => "started",
                None if exercise.answer().exists() => "started",
                None => "-",
            };
            let attempts = match mark.map_or(0, |mark| mark.attempts) {
                0 => String::new(),
                1 => "1 attempt".to_owned(),
                n => format!("{n} attempts"),
            };
            let Exercise { slug, title, .. } = &exercise;
            let line = format!("{number:02}  {slug:<24} {minutes:>3} min  {state:<8} {attempts:<12} {title}");
            let _ = writeln!(text, "{line}");
        }
        Ok(Said { text, code: 0 })
    }

    fn start(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let made = answer::start(exercise)?;
        if made {
            self.mark(exercise, |_| {});
        }
        let Exercise { number, title, minutes, .. } = exercise;
        let file = exercise.shown(&format!("tests/{}.rs", exercise.target()));
        let made = if made { "made from the starter" } else { "is there already, and stays as it is" };
        let task = exercise.shown("task.md");
        let text = format!(
            "{number:02} {title}, about {minutes} minutes\n\n  the task      {task}\n  your answer   {file} ({made})\n\n\
             next: cargo exercise check {number:02}\n"
        );
        Ok(Said { text, code: 0 })
    }

    async fn check(&self, exercise: &Exercise) -> Result<Said, CommandError> {
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
        let building = Building::begin(&exercise.name());
        let build =
            compile::build(self.kit.root(), &target, trial::interruption()?, |line| building.hear(line))
                .await;
        building.end();
        let Some(build) = build? else { return Ok(interrupted()) };
        let verdict = match build.program(&target).filter(|_| build.succeeded) {
            None => verdict::refused(exercise, &build),
            Some(program) => {
                let trial = prove::sit(program, &exercise.folder).await?;
                if matches!(trial.ended, Ended::Interrupted) {
                    return Ok(interrupted());
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
            if verdict.solved { mark.passed(now) } else { mark.failed(verdict.failed.as_deref()) }
        });
        let word = if verdict.solved { "solved" } else { "not yet" };
        let mut text = format!("{number:02} {slug} · {word}\n\n{}\n\n", verdict.text.trim_end());
        if verdict.solved {
            let _ = writeln!(text, "compare: cargo exercise solution {number:02}");
            if let Some(progress) = progress {
                text.push_str(&self.next(&progress)?);
            }
        } else if verdict.failed.is_some() {
            let task = exercise.shown("task.md");
            let _ = writeln!(text, "next: cargo exercise hint {number:02}     (or open {task})");
        } else {
            let file = exercise.shown(&format!("tests/{}.rs", exercise.target()));
            let _ = writeln!(text, "next: mend {file}, then cargo exercise check {number:02}");
        }
        Ok(Said { text, code: if verdict.solved { 0 } else { NOT_YET } })
    }

    fn hint(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let number = exercise.number;
        let hints = Hints::read(&exercise.folder.join("hints.toml"))?;
        let progress = self.progress()?;
        let failed = progress.exercises.get(&exercise.slug).and_then(|mark| mark.failed.as_deref());
        let Some(check) = failed.and_then(|name| hints.check(name)) else {
            return Err(CommandError::Refused(format!(
                "a hint fits what failed, and no check has failed last. next: cargo exercise check {number:02}"
            )));
        };
        let shown =
            progress.exercises.get(&exercise.slug).and_then(|mark| mark.hints.get(&check.name)).copied();
        let step = shown.unwrap_or(0).min(check.hints.len() - 1);
        let mut text = format!("{number:02} {} · hint {} of 3\n", exercise.slug, step + 1);
        let hint = wrap(&check.hints[step], 96).replace('\n', "\n  ");
        let _ = writeln!(text, "\n  not yet: {}\n\n  {hint}\n", sentence(&check.name));
        text.push_str(&match step {
            2 => format!("That was the last one. next: cargo exercise solution {number:02} --anyway\n"),
            _ => format!("next: cargo exercise check {number:02}     (or hint {number:02} again for more)\n"),
        });
        self.mark(exercise, |mark| {
            mark.hints.insert(check.name.clone(), step + 1);
        });
        Ok(Said { text, code: 0 })
    }

    fn solution(&self, exercise: &Exercise, anyway: bool) -> Result<Said, CommandError> {
        let number = exercise.number;
        if !anyway && !self.progress()?.is_solved(&exercise.slug) {
            return Err(CommandError::Refused(format!(
                "your answer has not passed yet; `cargo exercise hint {number:02}` helps, and `cargo exercise solution {number:02} --anyway` shows it all the same."
            )));
        }
        let read = |name: &str| fs::read_to_string(exercise.judged(name));
        let mut text = format!("{}\n\n{}", exercise.shown("judged/solution.rs"), read("solution")?);
        let _ = writeln!(text, "\nanother right design: {}", exercise.shown("judged/second.rs"));
        let _ = writeln!(text, "what fails, and why:  {}", exercise.shown("judged/wrong_*.rs"));
        Ok(Said { text, code: 0 })
    }

    fn reset(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let copy = answer::reset(exercise, now())?;
        let number = exercise.number;
        let text = format!(
            "your answer was kept as {}\nthe starter is in its place\n\nnext: cargo exercise check {number:02}     (restore {number:02} brings your answer back)\n",
            copy.display()
        );
        Ok(Said { text, code: 0 })
    }

    fn restore(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let (latest, copy) = answer::restore(exercise, now())?;
        let number = exercise.number;
        let mut text = format!("brought back {}\n", latest.display());
        if copy != exercise.answer() {
            let _ = writeln!(text, "what was in its place was kept as {}", copy.display());
        }
        let _ = writeln!(text, "\nnext: cargo exercise check {number:02}");
        Ok(Said { text, code: 0 })
    }

    async fn prove(&self, asked: Option<String>) -> Result<Said, CommandError> {
        let exercises = match asked {
            Some(asked) => vec![self.kit.exercise(&asked)?],
            None => self.kit.exercises()?,
        };
        let proof = prove::prove(&self.kit, &exercises).await?;
        let code = match (proof.interrupted, proof.holds) {
            (true, _) => INTERRUPTED,
            (false, true) => 0,
            (false, false) => NOT_YET,
        };
        Ok(Said { text: proof.text, code })
    }
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

fn interrupted() -> Said {
    Said { text: "interrupted; nothing was judged and nothing was changed\n".to_owned(), code: INTERRUPTED }
}

fn tell(notice: Option<&Notice>) {
    if let Some(notice) = notice {
        eprintln!("{notice}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the door is where the time of day comes in; everything behind it is handed it"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
