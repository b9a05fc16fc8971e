//! All groups, in the order of their lessons.

mod blocking;
mod yielding;

use criterion::Criterion;
use lab::Experiment;

/// The name of the baseline in every group: the same harness around a handler that does nothing.
pub(crate) const DO_NOTHING: &str = "do-nothing";

/// Every group.
pub(crate) const ALL: &[Group] = &[blocking::GROUP, yielding::GROUP];

/// One question, and how it is measured.
pub(crate) struct Group {
    /// Its name on the command line and its folder among the results: the lesson's number and the experiment.
    pub(crate) name: &'static str,
    /// The question that its numbers answer.
    pub(crate) question: &'static str,
    /// The experiment whose variants are measured.
    pub(crate) experiment: &'static Experiment,
    /// Measures the baseline and each variant under the names that the lesson gives them.
    pub(crate) measure: fn(&mut Criterion, &Group),
}
