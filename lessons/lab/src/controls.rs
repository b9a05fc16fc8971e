//! Controls: what the reader of an experiment may turn, and by how much.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::Experiment;

/// Something the reader may turn, with its bounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Control {
    /// Its name in addresses and on the command line.
    pub name: &'static str,
    /// Its label in the page.
    pub label: &'static str,
    /// The smallest value allowed.
    pub min: u64,
    /// The largest value allowed: it bounds the time and the memory of a run.
    pub max: u64,
    /// The value when nothing was asked for.
    pub default: u64,
}

impl Control {
    /// The number of worker threads that the variant's runtime gets; an experiment without it runs on one.
    pub const WORKERS: Self = Self { name: "workers", label: "worker threads", min: 1, max: 8, default: 1 };
    /// How many requests are sent.
    pub const REQUESTS: Self = Self { name: "requests", label: "requests", min: 1, max: 40, default: 10 };
    /// How long the slow system takes for one call, in milliseconds.
    pub const HOLD_MS: Self =
        Self { name: "hold_ms", label: "each takes (ms)", min: 1, max: 250, default: 100 };

    /// The same control with another default.
    pub const fn default_of(self, default: u64) -> Self {
        Self { default, ..self }
    }
}

/// The controls of one run: every control of the experiment, with a value inside its bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Controls(BTreeMap<String, u64>);

impl Controls {
    /// The value of a control, or `None` if the experiment has no such control.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// The number of requests asked for, 1 if the experiment has no such control.
    pub fn requests(&self) -> usize {
        self.get(Control::REQUESTS.name).map_or(1, |n| usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// The number of worker threads asked for.
    pub fn workers(&self) -> usize {
        self.get(Control::WORKERS.name).map_or(1, |n| usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// A control that does not exist, or a value outside its bounds. The text names the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlError(String);

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ControlError {}

impl Experiment {
    /// Fills in what was not asked for.
    ///
    /// # Errors
    /// If a name is not a control of this experiment or a value is out of its bounds.
    pub fn controls<'a>(
        &self,
        asked: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> Result<Controls, ControlError> {
        let mut values: BTreeMap<String, u64> =
            self.controls.iter().map(|control| (control.name.to_owned(), control.default)).collect();
        for (name, value) in asked {
            let Some(control) = self.controls.iter().find(|control| control.name == name) else {
                let names: Vec<_> = self.controls.iter().map(|control| control.name).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(ControlError(format!(
                    "`{name}` is not a control of {}; it has: {known}.",
                    self.slug
                )));
            };
            let Control { min, max, .. } = control;
            if !(*min..=*max).contains(&value) {
                return Err(ControlError(format!("`{name}` is {value}; it goes from {min} to {max}.")));
            }
            values.insert(name.to_owned(), value);
        }
        Ok(Controls(values))
    }
}
