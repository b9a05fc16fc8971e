//! All groups, the noise first, then in the order of their lessons.

mod blocking;
mod noise;
mod yielding;

use criterion::Criterion;
use record::{Kind, Role};

/// The name of the baseline in every group: the same harness around a handler that does nothing.
pub(crate) const DO_NOTHING: &str = "do-nothing";

/// Every group.
pub(crate) const ALL: &[Group] = &[noise::GROUP, blocking::GROUP, yielding::GROUP];

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
    Variants(&'static lab::Experiment),
    /// Functions of a lesson under names of their own.
    Functions(&'static [(&'static str, Role)]),
}

impl Group {
    /// The rows of its table.
    pub(crate) fn rows(&self) -> Vec<(&'static str, Role)> {
        match &self.compares {
            Compares::Variants(experiment) => {
                let variants = experiment.variants.iter().map(|variant| (variant.name, variant.side.into()));
                std::iter::once((DO_NOTHING, Role::Baseline)).chain(variants).collect()
            }
            Compares::Functions(rows) => rows.to_vec(),
        }
    }

    /// The lesson that it belongs to; none for the noise.
    pub(crate) fn lesson(&self) -> Option<u8> {
        self.name.get(..2)?.parse().ok().filter(|number| *number > 0)
    }
}
