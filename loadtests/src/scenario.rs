//! Which lessons are loaded, and what their users ask for.

use std::fmt::Write as _;

use lab::{Controls, Experiment, Lesson, Plan, Request};

/// One load test: the variants of an experiment, and the settings under which their users ask for what the experiment asks.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// The number of the lesson.
    lesson: u8,
    /// The experiment whose variants are loaded.
    experiment: &'static str,
    /// Controls that differ from the lab's defaults. Waits are short, so that a short run has many requests.
    controls: &'static [(&'static str, u64)],
    /// The control that tells this test from others of the same experiment.
    varies: Option<&'static str>,
    /// Whether the service's resident memory is a figure of this test.
    pub(crate) remembers: bool,
}

/// A plain load test.
const fn of(lesson: u8, experiment: &'static str, controls: &'static [(&'static str, u64)]) -> Scenario {
    Scenario { lesson, experiment, controls, varies: None, remembers: false }
}

/// Every load test, by lesson.
const SCENARIOS: &[Scenario] = &[
    of(1, "one-dashboard", &[("hold_ms", 10)]),
    // One: no search waits for others to come, as it does in the lab.
    of(2, "ten-at-the-door", &[("hold_ms", 10), ("requests", 1)]),
    of(3, "twenty-quotes", &[]),
    Scenario { varies: Some("pool"), ..of(9, "ten-statements", &[("hold_ms", 10), ("pool", 1)]) },
    Scenario { varies: Some("pool"), ..of(9, "ten-statements", &[("hold_ms", 10), ("pool", 4)]) },
    Scenario { varies: Some("pool"), ..of(9, "ten-statements", &[("hold_ms", 10), ("pool", 16)]) },
    Scenario { remembers: true, ..of(10, "login-storm", &[("cores", 1)]) },
    of(18, "ten-reports", &[("hold_ms", 20)]),
];

impl Scenario {
    /// The lesson and the experiment that it loads.
    #[expect(clippy::expect_used, reason = "each scenario is looked up by a test below")]
    pub(crate) fn subject(&self) -> (&'static Lesson, &'static Experiment) {
        let lesson = catalogue::find(&self.lesson.to_string()).expect("a scenario's lesson exists");
        (lesson, lesson.experiment(self.experiment).expect("a scenario's experiment exists"))
    }

    /// Its name: that of its study.
    pub(crate) fn id(&self) -> String {
        let varied = self.varies.and_then(|name| Some((name, self.controls().get(name)?)));
        let varied = varied.map_or_else(String::new, |(name, value)| format!("-{name}-{value}"));
        format!("load-{:02}-{}{varied}", self.lesson, self.experiment)
    }

    /// What it is called in tables.
    pub(crate) fn title(&self) -> String {
        let varied = self.varies.and_then(|name| Some((name, self.controls().get(name)?)));
        let varied = varied.map_or_else(String::new, |(name, value)| format!(", {name} of {value}"));
        format!("Lesson {:02} · {}{varied}", self.lesson, self.subject().1.title)
    }

    /// The settings of the service.
    #[expect(clippy::expect_used, reason = "each scenario's controls are read by a test below")]
    pub(crate) fn controls(&self) -> Controls {
        let (_, experiment) = self.subject();
        experiment.controls(self.controls.iter().copied()).expect("a scenario's controls are in bounds")
    }

    /// What the users ask for, over and over: what the experiment asks for.
    pub(crate) fn asks(&self) -> Vec<Request> {
        match &self.subject().1.plan {
            Plan::Timeline(timeline) => (timeline.requests)(&self.controls()),
            Plan::Count(count) => (count.requests)(&self.controls()),
            // A transcript's requests are built from the answers before them: nothing that many can repeat.
            Plan::Transcript(_) => Vec::new(),
        }
    }
}

/// The load tests of a lesson, which is given by number or name.
///
/// # Errors
/// If there is no such lesson, or none with a load test; the text names the next step.
pub(crate) fn find(lesson: &str) -> Result<Vec<&'static Scenario>, String> {
    let lesson = catalogue::find(lesson).map_err(|error| error.to_string())?;
    let found: Vec<_> = SCENARIOS.iter().filter(|scenario| scenario.lesson == lesson.number).collect();
    if found.is_empty() {
        let folder = lesson.folder();
        return Err(format!("lesson {folder} has no load test; `cargo load` lists those that have one."));
    }
    Ok(found)
}

/// The load test of that name.
///
/// # Errors
/// If there is none.
pub(crate) fn named(id: &str) -> Result<&'static Scenario, String> {
    SCENARIOS
        .iter()
        .find(|scenario| scenario.id() == id)
        .ok_or_else(|| format!("there is no load test {id}."))
}

/// The numbers of the lessons that have a load test, one a line.
pub(crate) fn numbers() -> String {
    let mut numbers: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.lesson).collect();
    numbers.dedup();
    numbers.iter().map(|number| format!("{number:02}\n")).collect()
}

/// What can be loaded, one a line, and how to start the first.
pub(crate) fn list() -> String {
    let mut out = String::from("Lessons with a load test:\n\n");
    for scenario in SCENARIOS {
        let (_, experiment) = scenario.subject();
        let variants: Vec<_> = experiment.variants.iter().map(|variant| variant.name).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {}: {}", scenario.title(), variants.join(", "));
    }
    let first = SCENARIOS.first().map_or(1, |scenario| scenario.lesson);
    out + "\nOthers:\n\n  fastapi   the guide's own system and ours, in one run\n  \
           api       the reference API: journeys, and where more load brings no more answers\n  \
           omission  one stalling service, measured by three clients that disagree\n  \
           noise     one service twice: what differs is noise\n  \
           wrk       our generator and wrk, on one endpoint\n"
        + &format!("\nnext: cargo load {first:02}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_loads_an_experiment_that_exists_with_requests_and_controls_in_bounds() {
        for scenario in SCENARIOS {
            let (lesson, experiment) = scenario.subject();
            assert_eq!((lesson.number, experiment.slug), (scenario.lesson, scenario.experiment));
            for (name, value) in scenario.controls {
                assert_eq!(scenario.controls().get(name), Some(*value), "{}", experiment.slug);
            }
            assert!(!scenario.asks().is_empty(), "{} asks for nothing", experiment.slug);
        }
    }

    #[test]
    fn every_load_test_has_a_name_of_its_own_and_they_stand_in_the_order_of_their_lessons() {
        let names: std::collections::BTreeSet<_> = SCENARIOS.iter().map(Scenario::id).collect();
        assert_eq!(names.len(), SCENARIOS.len(), "{names:?}");
        assert!(SCENARIOS.is_sorted_by_key(|scenario| scenario.lesson));
        assert!(names.iter().all(|name| named(name).is_ok_and(|found| found.id() == *name)));
    }

    #[test]
    fn a_lesson_is_found_by_number_and_by_name() {
        for asked in ["18", "blocking-the-runtime", "18-blocking-the-runtime"] {
            let found: Vec<_> = find(asked).unwrap().iter().map(|scenario| scenario.id()).collect();
            assert_eq!(found, ["load-18-ten-reports"], "{asked}");
        }
    }

    #[test]
    fn a_lesson_without_a_load_test_is_told_apart_from_one_that_does_not_exist() {
        let without = find("12").unwrap_err();
        assert!(without.contains("has no load test; `cargo load` lists"), "{without}");
        let missing = find("99").unwrap_err();
        assert!(missing.contains("does not exist"), "{missing}");
    }
}
