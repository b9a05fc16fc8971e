//! The environment as a value: handed in, so that two services can differ, and counted, so that nobody reads it in secret.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lab::{Counter, Probes};

/// Names and values, as `std::env::vars` gives them. Clones are handles to the same ones.
#[derive(Clone, Debug)]
pub struct Variables(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    values: BTreeMap<&'static str, &'static str>,
    booted: AtomicBool,
    at_boot: Counter,
    after_boot: Counter,
}

impl Variables {
    /// The counter of reads until [`Variables::boot_is_over`].
    pub const READ_AT_BOOT: &'static str = "variables read at boot";
    /// The counter of reads after it.
    pub const READ_AFTER_BOOT: &'static str = "variables read after boot";

    /// Variables whose reads are counted by the experiment.
    pub fn new(probes: &Probes, values: &[(&'static str, &'static str)]) -> Self {
        Self(Arc::new(Inner {
            values: values.iter().copied().collect(),
            booted: AtomicBool::new(false),
            at_boot: probes.counter(Self::READ_AT_BOOT),
            after_boot: probes.counter(Self::READ_AFTER_BOOT),
        }))
    }

    /// The value of a variable, `None` if it is not set.
    pub fn get(&self, name: &str) -> Option<&'static str> {
        let booted = self.0.booted.load(Ordering::SeqCst);
        if booted {
            self.0.after_boot.add_one()
        } else {
            self.0.at_boot.add_one()
        }
        self.0.values.get(name).copied()
    }

    /// The names that are set.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.values.keys().copied()
    }

    /// From now on every read counts as one after the start.
    pub fn boot_is_over(&self) {
        self.0.booted.store(true, Ordering::SeqCst);
    }
}
