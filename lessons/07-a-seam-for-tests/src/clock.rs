//! The smallest useful seam: what time it is.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

// ANCHOR: clock
/// Tells the time. Whoever needs it is handed one; in production there is only [`System`].
pub trait Clock: fmt::Debug + Send + Sync {
    /// Seconds since 1970.
    fn now(&self) -> u64;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the global clock")]
    fn now(&self) -> u64 {
        // A clock before 1970 is a broken machine; what depends on the time is then over, not open for ever.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs())
    }
}

/// A clock that stands until somebody moves it, and counts who looks.
#[derive(Debug, Default)]
pub struct Manual {
    now: AtomicU64,
    looks: AtomicU64,
}

impl Clock for Manual {
    fn now(&self) -> u64 {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.now.load(Ordering::SeqCst)
    }
}
// ANCHOR_END: clock

impl Manual {
    /// Moves the clock to that second.
    pub fn set(&self, now: u64) {
        self.now.store(now, Ordering::SeqCst);
    }

    /// How often somebody has looked.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::SeqCst)
    }
}
