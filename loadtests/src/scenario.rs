//! Which lessons are loaded, and what their users ask for.

use std::fmt::Write as _;

use lab::{Controls, Experiment, Lesson, Plan, Request, Variant};

/// One load test: the variants of an experiment, and the settings under which their users ask for what the experiment asks.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// The lesson. Each is named here and none looked up in the catalogue: with all of them, an optimised build takes longer.
    lesson: &'static Lesson,
    /// The experiment whose variants are loaded.
    experiment: &'static str,
    /// Controls that differ from the lab's defaults. Waits are short, so that a short run has many requests.
    controls: &'static [(&'static str, u64)],
    /// The control that tells this test from others of the same experiment.
    varies: Option<&'static str>,
    /// Whether the service's resident memory is a figure of this test.
    pub(crate) remembers: bool,
    /// The variants that are loaded; none means all.
    only: &'static [&'static str],
    /// What users ask for as well.
    also: &'static [&'static str],
    /// Statuses that count as an answer, beside 2xx.
    pub(crate) answers: &'static [u16],
}

/// A plain load test.
const fn of(
    lesson: &'static Lesson,
    experiment: &'static str,
    controls: &'static [(&'static str, u64)],
) -> Scenario {
    Scenario {
        lesson,
        experiment,
        controls,
        varies: None,
        remembers: false,
        only: &[],
        also: &[],
        answers: &[],
    }
}

/// Every load test, by lesson.
static SCENARIOS: &[Scenario] = &[
    Scenario {
        only: &["in-turn", "try-join"],
        ..of(&await_together::LESSON, "one-dashboard", &[("hold_ms", 10)])
    },
    // One: no search waits for others to come, as it does in the lab.
    of(&backpressure::LESSON, "ten-at-the-door", &[("hold_ms", 10), ("requests", 1)]),
    of(&one_client::LESSON, "twenty-quotes", &[]),
    // A second connection for each starves every pool that is smaller than all who ask. Once is enough to show it.
    Scenario {
        varies: Some("pool"),
        only: &["held-over-a-call", "one-connection"],
        ..of(&pool_starvation::LESSON, "ten-statements", &[("hold_ms", 10), ("pool", 1)])
    },
    Scenario {
        varies: Some("pool"),
        ..of(&pool_starvation::LESSON, "ten-statements", &[("hold_ms", 10), ("pool", 4)])
    },
    Scenario {
        varies: Some("pool"),
        only: &["held-over-a-call", "one-connection"],
        ..of(&pool_starvation::LESSON, "ten-statements", &[("hold_ms", 10), ("pool", 16)])
    },
    Scenario { remembers: true, ..of(&passwords::LESSON, "login-storm", &[("cores", 1)]) },
    of(&blocking_the_runtime::LESSON, "ten-reports", &[("hold_ms", 20)]),
    // Every rate is in the table after its first call. The misspelt one never is: each request for it goes to the exchange,
    // and what it holds meanwhile is held from the twenty others.
    Scenario {
        only: &["tokio-mutex", "copy-out"],
        also: &["/rates/UDS"],
        answers: &[404],
        ..of(&locks_across_await::LESSON, "ten-rates", &[("hold_ms", 10), ("requests", 20)])
    },
    // The service behind never answers in time. What differs is when users hear so.
    Scenario {
        only: &["no-timeout", "deadline"],
        answers: &[504],
        ..of(&timeouts_and_cancellation::LESSON, "a-silent-service", &[("silence_ms", 400)])
    },
];

impl Scenario {
    /// The lesson and the experiment that it loads.
    #[expect(clippy::expect_used, reason = "each scenario is looked up by a test below")]
    pub(crate) fn subject(&self) -> (&'static Lesson, &'static Experiment) {
        let experiment = self.lesson.experiment(self.experiment).expect("a scenario's experiment exists");
        (self.lesson, experiment)
    }

    /// Its name: that of its study.
    pub(crate) fn id(&self) -> String {
        let varied = self.varies.and_then(|name| Some((name, self.controls().get(name)?)));
        let varied = varied.map_or_else(String::new, |(name, value)| format!("-{name}-{value}"));
        format!("load-{:02}-{}{varied}", self.lesson.number, self.experiment)
    }

    /// What it is called in tables.
    pub(crate) fn title(&self) -> String {
        let varied = self.varies.and_then(|name| Some((name, self.controls().get(name)?)));
        let varied = varied.map_or_else(String::new, |(name, value)| format!(", {name} of {value}"));
        format!("Lesson {:02} · {}{varied}", self.lesson.number, self.subject().1.title)
    }

    /// The settings of the service.
    #[expect(clippy::expect_used, reason = "each scenario's controls are read by a test below")]
    pub(crate) fn controls(&self) -> Controls {
        let (_, experiment) = self.subject();
        experiment.controls(self.controls.iter().copied()).expect("a scenario's controls are in bounds")
    }

    /// The variants that are loaded.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &'static Variant> {
        let all = self.subject().1.variants.iter();
        all.filter(|variant| self.only.is_empty() || self.only.contains(&variant.name))
    }

    /// What the users ask for, over and over: what the experiment asks for, and what this test adds.
    pub(crate) fn asks(&self) -> Vec<Request> {
        let mut asks = match &self.subject().1.plan {
            Plan::Timeline(timeline) => (timeline.requests)(&self.controls()),
            Plan::Count(count) => (count.requests)(&self.controls()),
            // A transcript's requests are built from the answers before them: nothing that many can repeat.
            Plan::Transcript(_) => Vec::new(),
        };
        asks.extend(self.also.iter().map(|path| Request::get(*path)));
        asks
    }
}

/// The load tests of a lesson, which is given by number or name.
///
/// # Errors
/// If there is none; the text names the next step.
pub(crate) fn find(lesson: &str) -> Result<Vec<&'static Scenario>, String> {
    let found: Vec<_> = SCENARIOS.iter().filter(|scenario| scenario.lesson.is_called(lesson)).collect();
    if found.is_empty() {
        return Err(format!(
            "there is no load test of a lesson {lesson}; `cargo load` lists all that there are."
        ));
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
    let mut numbers: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.lesson.number).collect();
    numbers.dedup();
    numbers.iter().map(|number| format!("{number:02}\n")).collect()
}

/// What can be loaded, one a line, and how to start the first.
pub(crate) fn list() -> String {
    let mut out = String::from("Lessons with a load test:\n\n");
    for scenario in SCENARIOS {
        let variants: Vec<_> = scenario.variants().map(|variant| variant.name).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {}: {}", scenario.title(), variants.join(", "));
    }
    let first = SCENARIOS.first().map_or(1, |scenario| scenario.lesson.number);
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
            let (_, experiment) = scenario.subject();
            assert_eq!(experiment.slug, scenario.experiment);
            for (name, value) in scenario.controls {
                assert_eq!(scenario.controls().get(name), Some(*value), "{}", experiment.slug);
            }
            assert!(!scenario.asks().is_empty(), "{} asks for nothing", experiment.slug);
            for name in scenario.only {
                assert!(experiment.variant(name).is_some(), "{} has no {name}", experiment.slug);
            }
        }
    }

    #[test]
    fn every_load_test_has_a_name_of_its_own_and_they_stand_in_the_order_of_their_lessons() {
        let names: std::collections::BTreeSet<_> = SCENARIOS.iter().map(Scenario::id).collect();
        assert_eq!(names.len(), SCENARIOS.len(), "{names:?}");
        assert!(SCENARIOS.is_sorted_by_key(|scenario| scenario.lesson.number));
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
    fn a_lesson_without_a_load_test_is_refused_and_the_next_step_named() {
        for asked in ["12", "99"] {
            let refused = find(asked).unwrap_err();
            assert!(refused.contains(asked) && refused.contains("`cargo load` lists"), "{refused}");
        }
    }
}
