//! Reads what a test program printed: which checks ran, how each ended, what panicked, and what the code under test said.
//!
//! The program runs its checks one after the other and prints a name before each, so a program that ends in the middle has
//! named the check that it ended in.

use std::collections::BTreeMap;

/// The arguments that make a test program print what this module reads.
pub const ARGUMENTS: [&str; 2] = ["--test-threads=1", "--nocapture"];

/// What a test program printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The checks by name, those that began at least.
    pub checks: BTreeMap<String, Outcome>,
    /// The check that had begun last and did not end.
    pub unfinished: Option<String>,
    /// Whether the program came to its own last line, the one with the sum.
    pub complete: bool,
    /// Panics outside the checks themselves: in a handler, in a task.
    pub panics: Vec<Panic>,
    /// What the code under test printed, without the lines of the test harness.
    pub printed: Vec<String>,
}

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not; the text is its panic message.
    Failed(String),
    /// The program ended before it.
    Unfinished,
}

/// A panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// The thread's name.
    pub thread: String,
    /// File, line and column.
    pub place: String,
    /// What it said.
    pub message: String,
}

/// The module that every answer includes the checks as.
const MODULE: &str = "checks::";

impl Record {
    /// Reads the output of a program that was started with [`ARGUMENTS`].
    pub fn read(output: &str) -> Self {
        let mut record = Self::default();
        // The name of the check that runs, and what was printed since it began.
        let mut running: Option<(&str, Vec<&str>)> = None;
        for line in output.lines() {
            if let Some((name, rest)) = beginning(line) {
                record.end(running.take());
                running = Some((name, vec![rest]));
            } else if line.starts_with("test result: ") {
                record.end(running.take());
                record.complete = true;
            } else if line == "failures:" && has_ended(running.as_ref()) {
                record.end(running.take());
            } else if let Some((_, lines)) = &mut running {
                lines.push(line);
            }
        }
        if let Some((name, lines)) = running {
            if verdict_of(&lines).is_none() {
                record.unfinished = Some(name.to_owned());
            }
            record.end(Some((name, lines)));
        }
        record
    }

    fn end(&mut self, check: Option<(&str, Vec<&str>)>) {
        let Some((name, mut lines)) = check else { return };
        let passed = verdict_of(&lines).map(|(at, passed)| {
            // What follows on the same line or later was printed by something that goes on in the background.
            let word = if passed { "ok" } else { "FAILED" };
            lines[at] = lines[at].strip_suffix(word).unwrap_or_default();
            passed
        });
        let (panics, printed) = split_panics(&lines);
        self.printed.extend(printed.into_iter().map(ToOwned::to_owned));
        let full_name = format!("{MODULE}{name}");
        let mut message = String::new();
        for panic in panics {
            if panic.thread == full_name || panic.thread == name {
                message = panic.message;
            } else if !self.panics.contains(&panic) {
                self.panics.push(panic);
            }
        }
        let outcome = match passed {
            Some(true) => Outcome::Passed,
            Some(false) => Outcome::Failed(message),
            None => Outcome::Unfinished,
        };
        self.checks.insert(name.to_owned(), outcome);
    }
}

/// `test checks::a_name ... `, and what stands after it on the line.
fn beginning(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    (!name.contains(' ')).then(|| (name.strip_prefix(MODULE).unwrap_or(name), rest))
}

/// The line that carries the verdict, and whether it is `ok`. The last one counts: code under test may print the word too.
fn verdict_of(lines: &[&str]) -> Option<(usize, bool)> {
    let word_alone = lines.iter().rposition(|line| matches!(*line, "ok" | "FAILED"));
    let at = word_alone.or_else(|| lines.iter().rposition(|l| l.ends_with("ok") || l.ends_with("FAILED")))?;
    Some((at, lines[at].ends_with("ok")))
}

fn has_ended(running: Option<&(&str, Vec<&str>)>) -> bool {
    running.is_some_and(|(_, lines)| verdict_of(lines).is_some())
}

/// Takes the panics out of the lines; what remains was printed by the code under test.
fn split_panics<'a>(lines: &[&'a str]) -> (Vec<Panic>, Vec<&'a str>) {
    let mut panics: Vec<Panic> = Vec::new();
    let mut printed = Vec::new();
    let mut inside = false;
    for line in lines {
        if let Some(panic) = headline(line) {
            panics.push(panic);
            inside = true;
        } else if line.starts_with("note: run with `RUST_BACKTRACE") {
            inside = false;
        } else if let (true, Some(panic)) = (inside, panics.last_mut()) {
            panic.message.push_str(line);
            panic.message.push('\n');
        } else if !line.trim().is_empty() && !is_last_words(line) {
            printed.push(*line);
        }
    }
    for panic in &mut panics {
        panic.message.truncate(panic.message.trim_end().len());
    }
    (panics, printed)
}

/// What the runtime says before it aborts the program; the verdict says it in its own words.
fn is_last_words(line: &str) -> bool {
    line.ends_with(" has overflowed its stack") || line.starts_with("fatal runtime error: ")
}

/// `thread 'name' (123) panicked at file:line:column:`
fn headline(line: &str) -> Option<Panic> {
    let (thread, rest) = line.strip_prefix("thread '")?.split_once('\'')?;
    let place = rest.split_once(" panicked at ")?.1.strip_suffix(':')?;
    Some(Panic { thread: thread.to_owned(), place: place.to_owned(), message: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = "
running 3 tests
test checks::an_export_adds_up ... ok
test checks::ten_reports_overlap ... asking the warehouse

thread 'lab-service' (7) panicked at exercises/18-unblock-the-report/tests/answer_18.rs:9:5:
no such row
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

thread 'checks::ten_reports_overlap' (8) panicked at exercises/18-unblock-the-report/tests/../checks.rs:70:22:
all of them   most in flight at once: 1 (expected 10)

Something keeps its thread.

FAILED
test checks::zero ... ok

failures:

failures:
    checks::ten_reports_overlap

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 4.14s

";

    #[test]
    fn each_check_has_its_outcome_and_a_failed_one_its_message() {
        let record = Record::read(FAILED);

        assert!(record.complete);
        assert_eq!(record.unfinished, None);
        assert_eq!(record.checks["an_export_adds_up"], Outcome::Passed);
        assert_eq!(record.checks["zero"], Outcome::Passed);
        let said = "all of them   most in flight at once: 1 (expected 10)\n\nSomething keeps its thread.";
        assert_eq!(record.checks["ten_reports_overlap"], Outcome::Failed(said.to_owned()));
    }

    #[test]
    fn a_panic_in_a_handler_is_told_apart_from_the_panic_of_the_check() {
        let record = Record::read(FAILED);

        assert_eq!(record.panics.len(), 1);
        assert_eq!(record.panics[0].message, "no such row");
        assert_eq!(record.panics[0].place, "exercises/18-unblock-the-report/tests/answer_18.rs:9:5");
        assert_eq!(record.printed, ["asking the warehouse"]);
    }

    #[test]
    fn a_program_that_ends_in_the_middle_names_the_check_that_it_ended_in() {
        for rest in
            ["", "\nthread 'x' (3) has overflowed its stack\nfatal runtime error: stack overflow, aborting\n"]
        {
            let record =
                Record::read(&format!("running 2 tests\ntest checks::a ... ok\ntest checks::b ... {rest}"));

            assert_eq!(record.unfinished.as_deref(), Some("b"));
            assert_eq!(record.checks["b"], Outcome::Unfinished);
            assert!(!record.complete);
        }
    }

    #[test]
    fn a_line_that_the_code_leaves_open_does_not_hide_the_verdict() {
        let record = Record::read(
            "test checks::a ... thinkingok\ntest checks::b ... looks ok\nhm\nFAILED\ntest result: x",
        );

        assert_eq!(record.checks["a"], Outcome::Passed);
        assert_eq!(record.checks["b"], Outcome::Failed(String::new()));
        assert_eq!(record.printed, ["thinking", "looks ok", "hm"]);
    }

    #[test]
    fn a_task_that_prints_after_its_check_changes_no_verdict() {
        let record = Record::read(
            "test checks::a ... FAILED\nstill at it\ntest checks::b ... ok\nbye\ntest result: x",
        );

        assert_eq!(record.checks["a"], Outcome::Failed(String::new()));
        assert_eq!(record.checks["b"], Outcome::Passed);
    }
}
