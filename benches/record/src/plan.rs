//! What a recording runs, in which order, and for how long.

/// How thorough a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Under ten minutes of measuring on two cores.
    Whole,
    /// About two.
    Quick,
    /// As short as it gets, with unoptimised programs: only that it runs.
    Smoke,
}

/// Which program a step starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The benchmarks.
    Questions,
    /// The door `cargo load`.
    Load,
}

/// One call of a program.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) program: Program,
    pub(crate) arguments: Vec<String>,
}

impl Step {
    fn new(program: Program, arguments: &[&str]) -> Self {
        Self { program, arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect() }
    }

    /// As the reader would name it: the program and its first argument.
    pub(crate) fn name(&self) -> String {
        let first = self.arguments.first().map_or("", String::as_str);
        match self.program {
            Program::Questions => "bench".to_owned(),
            Program::Load => format!("load {first}"),
        }
    }

    /// Whether a recording without it is still a recording.
    pub(crate) fn may_be_missing(&self) -> bool {
        self.arguments.first().is_some_and(|first| first == "fastapi" || first == "wrk")
    }
}

/// The steps of a recording: the noise first, then the benchmarks round by round, then the loads.
pub(crate) fn steps(pace: Pace, lessons: &[String]) -> Vec<Step> {
    // Rounds of the comparisons, and milliseconds of load on each server in each round; rounds of the benchmarks, their
    // samples and seconds; rounds and seconds of a lesson; seconds of the rest.
    let (rounds, millis, bench_rounds, bench_samples, bench_seconds, lesson_rounds, lesson_seconds, seconds) =
        match pace {
            Pace::Whole => ("5", "400", 2, "20", "0.2", "5", "1", "4"),
            Pace::Quick => ("2", "200", 1, "10", "0.1", "1", "1", "3"),
            Pace::Smoke => ("1", "50", 1, "10", "0.05", "1", "1", "2"),
        };
    let mut steps = vec![Step::new(Program::Load, &["noise", "--rounds", rounds, "--millis", millis])];
    for _ in 0..bench_rounds {
        // Each round measures every benchmark once more, so that what drifts hits all of them.
        steps.push(Step::new(
            Program::Questions,
            // The run file holds samples and no intervals of criterion's, so nothing is resampled for them.
            &[
                "--bench",
                "--noplot",
                "--nresamples",
                "1000",
                "--sample-size",
                bench_samples,
                "--warm-up-time",
                "0.1",
                "--measurement-time",
                bench_seconds,
            ],
        ));
    }
    steps.push(Step::new(Program::Load, &["wrk", "--rounds", rounds]));
    for lesson in lessons {
        let arguments = [lesson, "--rounds", lesson_rounds, "--seconds", lesson_seconds];
        steps.push(Step::new(Program::Load, &arguments));
    }
    steps.push(Step::new(
        Program::Load,
        &["omission", "--seconds", if pace == Pace::Smoke { "2" } else { "4" }],
    ));
    steps.push(Step::new(Program::Load, &["api", "--rounds", rounds, "--seconds", seconds]));
    steps.push(Step::new(Program::Load, &["fastapi", "--rounds", rounds, "--millis", millis]));
    if pace == Pace::Smoke {
        for step in steps.iter_mut().filter(|step| {
            matches!(step.name().as_str(), "load noise" | "load wrk" | "load api" | "load fastapi")
        }) {
            step.arguments.push("--as-built".to_owned());
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_is_measured_before_anything_that_is_judged_by_it() {
        for pace in [Pace::Whole, Pace::Quick, Pace::Smoke] {
            assert_eq!(steps(pace, &["18".to_owned()])[0].name(), "load noise");
        }
    }

    #[test]
    fn a_whole_recording_has_rounds_enough_for_a_verdict() {
        let steps = steps(Pace::Whole, &["18".to_owned()]);
        for name in ["load noise", "load 18", "load api", "load fastapi"] {
            let step = steps.iter().find(|step| step.name() == name).unwrap();
            let at = step.arguments.iter().position(|argument| argument == "--rounds").unwrap();
            assert!(step.arguments[at + 1].parse::<u16>().unwrap() >= 5, "{name}");
        }
    }
}
