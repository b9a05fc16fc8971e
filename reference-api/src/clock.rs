//! The two things that a test must be able to choose: what time it is, and what is random.
//!
//! Both are handed in through the state. The global ones are forbidden by lint (`.clippy.toml`), so that no corner of the
//! service can read them past a test.

use std::{cell::RefCell, fmt};

use aws_lc_rs::{error::Unspecified, rand};
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
        // A secret is drawn for itself: none lies in memory before it is needed, and no copy of the process has the same.
        let drawn = match <&mut [u8; ID_BYTES]>::try_from(&mut *bytes) {
            Ok(id) => STOCK.with_borrow_mut(|stock| stock.take(id)),
            Err(_) => rand::fill(bytes),
        };
        drawn.expect("the operating system gives random bytes");
    }
}

/// How many bytes of an identifier are random.
const ID_BYTES: usize = 10;

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [[0; ID_BYTES]; 50], left: 0 }) };
}

/// Random bytes for the identifiers of one thread. The generator takes as long for a few hundred bytes as for ten, and every
/// request wants an identifier.
struct Stock {
    bytes: [[u8; ID_BYTES]; 50],
    /// Those at the front that nobody has had.
    left: usize,
}

impl Stock {
    fn take(&mut self, wanted: &mut [u8; ID_BYTES]) -> Result<(), Unspecified> {
        if self.left == 0 {
            rand::fill(self.bytes.as_flattened_mut())?;
            self.left = self.bytes.len();
        }
        self.left -= 1;
        *wanted = self.bytes[self.left];
        Ok(())
    }
}

/// A new identifier. UUIDv7 begins with the time, so rows that are made later sort later (RFC 9562 §5.7).
pub fn new_id(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let now = clock.now();
    let millis = now.unix_timestamp() * 1000 + i64::from(now.millisecond());
    let mut bytes = [0; ID_BYTES];
    random.fill(&mut bytes);
    // A clock before 1970 is a broken machine; the identifier is still unique.
    Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or_default(), &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_identifiers_have_the_same_random_bytes() {
        let ids: HashSet<_> = (0..1_000)
            .map(|_| {
                let mut bytes = [0; ID_BYTES];
                System.fill(&mut bytes);
                bytes
            })
            .collect();
        assert_eq!(ids.len(), 1_000);
        assert!(!ids.contains(&[0; ID_BYTES]));
    }
}
