//! All groups, the noise first, then in the order of their lessons.

mod asked;
mod blocking;
mod bodies;
mod callers;
mod clients;
mod dispatch;
mod drivers;
mod forms;
mod hashes;
mod locks;
mod lookups;
mod noise;
mod pages;
mod roads;
mod settings;
mod statements;
mod throttle;
mod thumbnails;
mod tokens;
mod ways;
mod yielding;

use criterion::Criterion;
use lab::{Side, Variant};
use record::{Kind, Measure, Role, Settings};

use asked::Asked;

/// The name of the baseline in every group: the same harness around a handler that does nothing.
pub(crate) const DO_NOTHING: &str = "do-nothing";

/// Every group.
pub(crate) const ALL: &[Group] = &[
    noise::GROUP,
    clients::GROUP,
    statements::GROUP,
    drivers::GROUP,
    pages::GROUP,
    dispatch::GROUP,
    lookups::GROUP,
    hashes::GROUP,
    tokens::GROUP,
    callers::GROUP,
    throttle::GROUP,
    roads::GROUP,
    blocking::GROUP,
    yielding::GROUP,
    thumbnails::GROUP,
    locks::GROUP,
    forms::GROUP,
    bodies::GROUP,
    settings::GROUP,
];

/// One question, and how it is measured.
pub(crate) struct Group {
    /// Its name on the command line and its folder among the results: the lesson's number and the subject.
    pub(crate) name: &'static str,
    /// The question that its numbers answer.
    pub(crate) question: &'static str,
    /// A benchmark, or the noise that benchmarks are judged by.
    pub(crate) kind: Kind,
    /// What is compared.
    pub(crate) compares: Compares,
    /// Measures each row under its name.
    pub(crate) measure: fn(&mut Criterion, &Group),
}

/// What a group compares.
pub(crate) enum Compares {
    /// The variants of a lesson's experiment, under the names that the lesson gives them, and the baseline.
    Answers(Asked),
    /// Functions of a lesson under names of their own.
    Functions(&'static [(&'static str, Role)]),
    /// The same, and what each of them is counted to do besides.
    Counted(&'static [(&'static str, Role)], fn() -> Vec<(&'static str, Measure)>),
}

impl Group {
    /// The rows of its table.
    pub(crate) fn rows(&self) -> Vec<(&'static str, Role)> {
        match &self.compares {
            Compares::Answers(asked) => {
                let variants = asked.experiment.variants.iter().map(|variant| (variant.name, role(variant)));
                std::iter::once((DO_NOTHING, Role::Baseline)).chain(variants).collect()
            }
            Compares::Functions(rows) | Compares::Counted(rows, _) => rows.to_vec(),
        }
    }

    /// The lesson that it belongs to; none for the noise.
    pub(crate) fn lesson(&self) -> Option<u8> {
        self.name.get(..2)?.parse().ok().filter(|number| *number > 0)
    }

    /// What was asked for.
    pub(crate) fn settings(&self) -> Settings {
        match &self.compares {
            Compares::Answers(asked) => asked.settings(),
            Compares::Functions(_) | Compares::Counted(..) => Settings::new(),
        }
    }

    /// What is counted besides, row by row: the same on every machine.
    pub(crate) fn counted(&self) -> Vec<(&'static str, Measure)> {
        match &self.compares {
            Compares::Answers(asked) => asked.counted(),
            Compares::Functions(_) => Vec::new(),
            Compares::Counted(_, count) => count(),
        }
    }
}

fn role(variant: &Variant) -> Role {
    match variant.side {
        Side::Wrong => Role::Wrong,
        Side::Right => Role::Right,
    }
}
