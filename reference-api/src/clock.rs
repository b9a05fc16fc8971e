//! The two things that a test must be able to choose: what time it is, and what is random.
//!
//! Both are handed in through the state. The global ones are forbidden by lint (`.clippy.toml`), so that no corner of the
//! service can read them past a test.

use std::fmt;

use aws_lc_rs::rand;
use time::OffsetDateTime;
use uuid::{Builder, Uuid};

// ANCHOR: clock_seam
/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now, in UTC, in whole microseconds: PostgreSQL stores no more, and what is stored must be what was answered.
    fn now(&self) -> OffsetDateTime;
}

/// Gives bytes that nobody can guess.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);
}
// ANCHOR_END: clock_seam

/// The clock and the randomness of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the global clock")]
    fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        now.truncate_to_microsecond()
    }
}

impl Random for System {
    /// # Panics
    /// If the operating system gives no randomness. A service must not issue a token then.
    #[expect(clippy::expect_used, reason = "going on with predictable bytes would be worse than stopping")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// A new identifier. UUIDv7 begins with the time, so rows that are made later sort later (RFC 9562 §5.7).
pub fn new_id(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let millis = clock.now().unix_timestamp_nanos() / 1_000_000;
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    // A clock before 1970 is a broken machine; the identifier is still unique.
    Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or_default(), &bytes).into_uuid()
}
