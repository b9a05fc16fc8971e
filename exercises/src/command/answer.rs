//! The words that touch the learner's file or help with it: `start`, `hint`, `solution`, `reset`, `restore`.

use std::{fmt::Write as _, fs};

use super::{CommandError, Said, Session, now};
use crate::{
    answer,
    hints::{After, Hints, sentence},
    kit::{Exercise, KitError},
    wrap,
};

impl Session {
    pub(super) fn start(&self, exercise: &Exercise) -> Result<Said, CommandError> {
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

    pub(super) fn hint(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let number = exercise.number;
        let hints = Hints::read(&exercise.folder.join("hints.toml"))?;
        let progress = self.progress()?;
        let failed = progress.exercises.get(&exercise.slug).and_then(|mark| mark.failed.as_deref());
        let Some(check) = failed.and_then(|name| hints.check(name)) else {
            return Err(CommandError::Refused(format!(
                "a hint is for a check that failed, and at your last attempt none did: it passed, did not compile, or there was none. next: cargo exercise check {number:02}"
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
            _ if self.watching.get() => "next: mend it and save     (or key h again for more)\n".to_owned(),
            _ => format!("next: cargo exercise check {number:02}     (or hint {number:02} again for more)\n"),
        });
        self.mark(exercise, |mark| {
            mark.hints.insert(check.name.clone(), step + 1);
        });
        Ok(Said { text, code: 0 })
    }

    pub(super) fn solution(&self, exercise: &Exercise, anyway: bool) -> Result<Said, CommandError> {
        let number = exercise.number;
        if !anyway && !self.progress()?.is_solved(&exercise.slug) {
            return Err(CommandError::Refused(format!(
                "your answer has not passed yet; `cargo exercise hint {number:02}` helps, and `cargo exercise solution {number:02} --anyway` shows it all the same."
            )));
        }
        let hints = Hints::read(&exercise.folder.join("hints.toml"))?;
        let mut text = String::new();
        for (what, name) in [("the kit's solution", "solution"), ("another right design", "second")] {
            let path = exercise.judged(name);
            let code = fs::read_to_string(&path).map_err(|source| KitError::Unreadable { path, source })?;
            let _ = writeln!(text, "{what}: {}\n\n{code}", exercise.shown(&format!("judged/{name}.rs")));
        }
        if let Some(After { trade_off, question }) = &hints.after {
            let _ = writeln!(text, "the trade-off\n  {}\n", wrap(trade_off, 96).replace('\n', "\n  "));
            let _ =
                writeln!(text, "an interviewer may ask\n  {}\n", wrap(question, 96).replace('\n', "\n  "));
        }
        let _ = writeln!(text, "what fails, and why: {}", exercise.shown("judged/wrong_*.rs"));
        Ok(Said { text, code: 0 })
    }

    pub(super) fn reset(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let copy = answer::reset(exercise, now())?;
        let number = exercise.number;
        let next = match self.watching.get() {
            true => format!("cargo exercise restore {number:02} brings your answer back"),
            false => format!(
                "next: cargo exercise check {number:02}     (restore {number:02} brings your answer back)"
            ),
        };
        let text =
            format!("your answer was kept as {}\nthe starter is in its place\n\n{next}\n", copy.display());
        Ok(Said { text, code: 0 })
    }

    pub(super) fn restore(&self, exercise: &Exercise) -> Result<Said, CommandError> {
        let (latest, copy) = answer::restore(exercise, now())?;
        let number = exercise.number;
        let mut text = format!("brought back {}\n", latest.display());
        if copy != exercise.answer() {
            let _ = writeln!(text, "what was in its place was kept as {}", copy.display());
        }
        let _ = writeln!(text, "\nnext: cargo exercise check {number:02}");
        Ok(Said { text, code: 0 })
    }
}
