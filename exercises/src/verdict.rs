//! Turns what a program did into words: what was seen, what it means, what is fine, and what to type next.

use std::{fmt::Write as _, time::Duration};

use crate::{
    compile::Build,
    hints::{Hints, sentence},
    kit::Exercise,
    plain,
    record::{Outcome, Record},
    trial::{Ended, Trial},
    wrap,
};

/// The word on one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether every check that the exercise names has run and passed.
    pub solved: bool,
    /// The first check to mend, if it came so far.
    pub failed: Option<String>,
    /// The checks that did not pass, by name.
    pub all_failed: Vec<String>,
    /// How many stages hold, counted from the first; 0 where the exercise has only one.
    pub stages_done: u8,
    /// For the reader, without the headline.
    pub text: String,
}

/// Errors of the compiler that are shown; the others often follow from them.
const ERRORS_SHOWN: usize = 3;
/// Lines of what the answer printed that are shown.
const PRINTED_SHOWN: usize = 20;
/// Panics outside the checks that are shown.
const PANICS_SHOWN: usize = 3;
/// Characters of one line that are shown.
const WIDTH_SHOWN: usize = 200;
/// Columns of what the runner says itself.
const COLUMNS: usize = 100;

/// Judges a program that was run.
pub fn judge(hints: &Hints, trial: &Trial) -> Verdict {
    let record = Record::read(&plain(&trial.output));
    let failed = |name: &String| !matches!(record.checks.get(name), Some(Outcome::Passed));
    let named: Vec<String> = hints.checks.iter().map(|check| check.name.clone()).filter(failed).collect();
    // A test of the learner's own is welcome; one that fails is a reason to look, but there is no hint for it.
    let own = record
        .checks
        .iter()
        .filter(|(name, outcome)| hints.check(name).is_none() && **outcome != Outcome::Passed);
    let all_failed: Vec<String> = named.into_iter().chain(own.map(|(name, _)| name.clone())).collect();
    let ended_well = matches!(trial.ended, Ended::Exited(status) if status.success());
    let solved = all_failed.is_empty() && record.complete && ended_well;
    let first = record
        .unfinished
        .clone()
        .filter(|name| hints.check(name).is_some())
        .or_else(|| all_failed.iter().find(|name| hints.check(name).is_some()).cloned());

    let stages = hints.stages();
    let open = all_failed.iter().filter_map(|name| Some(hints.check(name)?.stage)).min();
    // The one that the learner is at: later ones are not talked about.
    let stage = open.unwrap_or(stages);
    let stages_done = match open {
        _ if stages == 1 => 0,
        Some(open) => open - 1,
        None if solved => stages,
        None => 0,
    };

    let mut text = String::new();
    let cause = cause_of_end(trial, &record);
    if let Some(cause) = &cause {
        paragraph(&mut text, 2, &wrap(cause, COLUMNS));
    } else if !hints.checks.iter().any(|check| record.checks.contains_key(&check.name)) {
        paragraph(
            &mut text,
            2,
            "None of the exercise's checks has run. The answer has to begin with these two lines:\n\n  \
             #[path = \"../checks.rs\"]\n  mod checks;",
        );
    }
    // A panic is often why a check failed, so it stands first.
    panics(&mut text, &record);
    if stages_done > 0 && !solved {
        line(
            &mut text,
            2,
            &format!("Stage {stages_done} of {stages} is done. What follows is stage {stage}.\n"),
        );
    }
    failures(&mut text, &record, hints, stage);
    printed(&mut text, &record);
    fine(&mut text, &record, hints, stage);
    waiting(&mut text, hints, stage);
    // Where the program came to a bad end, the check is not to blame and its hint leads astray.
    let failed = first.filter(|_| !solved && cause.is_none() && record.complete && !record.checks.is_empty());
    Verdict { solved, failed, all_failed, stages_done, text }
}

/// Judges an answer that could not be built.
pub fn refused(exercise: &Exercise, build: &Build) -> Verdict {
    let errors = build.errors_in(&exercise.target());
    let mut text = String::new();
    if errors.is_empty() {
        let log = build.diagnostics.iter().filter(|said| said.is_error).map(|said| said.rendered.as_str());
        let log: Vec<_> = log.chain(build.log.iter().map(String::as_str)).collect();
        paragraph(&mut text, 2, "The kit around the answer could not be built. Cargo says:");
        paragraph(&mut text, 4, &log.join("\n"));
    } else {
        paragraph(&mut text, 2, "It does not compile, so nothing was checked.");
        for error in errors.iter().take(ERRORS_SHOWN) {
            paragraph(&mut text, 4, &error.rendered);
        }
        if errors.len() > ERRORS_SHOWN {
            paragraph(&mut text, 2, &format!("and {} more errors", errors.len() - ERRORS_SHOWN));
        }
        if errors.iter().any(|error| error.rendered.contains("checks.rs:")) {
            paragraph(
                &mut text,
                2,
                "The checks call the answer's `app`: its name, its parameters and its type have to stay as in the task.",
            );
        }
    }
    Verdict { solved: false, failed: None, all_failed: Vec::new(), stages_done: 0, text }
}

/// Why the program ended before its own end, if it did.
fn cause_of_end(trial: &Trial, record: &Record) -> Option<String> {
    let during = record.unfinished.as_deref().map_or_else(
        || "before the first check".to_owned(),
        |name| format!("while it was checked that {}", sentence(name)),
    );
    let status = match &trial.ended {
        Ended::Exited(_) if record.complete => return None,
        Ended::Exited(status) => status,
        Ended::TimeUp(limit) => {
            return Some(format!(
                "Stopped after {}, {during}. Something waits for ever, or loops without end.",
                seconds(*limit)
            ));
        }
        Ended::TooMuchOutput(limit) => {
            return Some(format!("Stopped {during}: it had printed more than {} KiB.", limit / 1024));
        }
        Ended::Interrupted => return Some("Interrupted.".to_owned()),
    };
    Some(if trial.output.contains("has overflowed its stack") {
        format!(
            "The stack overflowed {during}. A function calls itself without end, or holds very large values."
        )
    } else if let Some(code) = status.code() {
        format!(
            "The program left with code {code} {during}. Something calls `std::process::exit`, which ends the whole service."
        )
    } else {
        format!("The program was aborted {during} ({status}). A call of `std::process::abort` does that.")
    })
}

fn failures(text: &mut String, record: &Record, hints: &Hints, stage: u8) {
    let order = |name: &str| hints.checks.iter().position(|check| check.name == name).unwrap_or(usize::MAX);
    let mut failed: Vec<(&str, &str)> = record
        .checks
        .iter()
        .filter_map(|(name, outcome)| match outcome {
            Outcome::Failed(message) => Some((name.as_str(), message.as_str())),
            Outcome::Passed | Outcome::Unfinished => None,
        })
        .filter(|(name, _)| hints.check(name).is_none_or(|check| check.stage <= stage))
        .collect();
    failed.sort_by_key(|(name, _)| order(name));
    let mut rest = failed.as_slice();
    while let Some((&(_, message), _)) = rest.split_first() {
        // Checks that saw the same are one paragraph.
        let same = rest.iter().take_while(|(_, other)| *other == message).count();
        for (name, _) in &rest[..same] {
            line(text, 2, &format!("not yet: {}", sentence(name)));
        }
        paragraph(text, 4, if message.is_empty() { "it panicked without a message" } else { message });
        rest = &rest[same..];
    }
}

fn panics(text: &mut String, record: &Record) {
    for panic in record.panics.iter().take(PANICS_SHOWN) {
        let said = if panic.message.is_empty() { "(no message)" } else { &panic.message };
        paragraph(text, 2, &format!("a panic in the service, at {}:\n  {said}", panic.place));
    }
    if record.panics.len() > PANICS_SHOWN {
        paragraph(text, 2, &format!("and {} more panics", record.panics.len() - PANICS_SHOWN));
    }
}

fn printed(text: &mut String, record: &Record) {
    if record.printed.is_empty() {
        return;
    }
    line(text, 2, "the answer printed:");
    for printed in record.printed.iter().take(PRINTED_SHOWN) {
        line(text, 4, printed);
    }
    if record.printed.len() > PRINTED_SHOWN {
        line(text, 4, &format!("… and {} more lines", record.printed.len() - PRINTED_SHOWN));
    }
    text.push('\n');
}

fn fine(text: &mut String, record: &Record, hints: &Hints, stage: u8) {
    let passed = |name: &str| record.checks.get(name) == Some(&Outcome::Passed);
    let held = hints.checks.iter().filter(|check| check.stage <= stage && passed(&check.name));
    for (at, check) in held.enumerate() {
        line(text, 2, &format!("{} {}", if at == 0 { "holds:" } else { "      " }, sentence(&check.name)));
    }
}

/// Whether a check of a later stage holds already says little before the answer is made for it.
fn waiting(text: &mut String, hints: &Hints, stage: u8) {
    for later in stage + 1..=hints.stages() {
        let checks = hints.checks.iter().filter(|check| check.stage == later).count();
        let plural = if checks == 1 { "check waits" } else { "checks wait" };
        line(text, 2, &format!("later: {checks} {plural} for stage {later}"));
    }
}

fn paragraph(text: &mut String, indent: usize, said: &str) {
    for said in said.lines() {
        line(text, indent, said);
    }
    text.push('\n');
}

fn line(text: &mut String, indent: usize, said: &str) {
    if said.is_empty() {
        text.push('\n');
        return;
    }
    let cut = said.char_indices().nth(WIDTH_SHOWN).map(|(at, _)| at);
    let (shown, more) = cut.map_or((said, ""), |at| (&said[..at], " …"));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:indent$}{shown}{more}", "");
}

/// A limit in words.
fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs())
}
