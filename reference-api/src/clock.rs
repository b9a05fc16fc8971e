//! The two things that a test must be able to choose: what time it is, and what is random.
//!
//! Both are handed in through the state. The global ones are forbidden by lint (`.clippy.toml`), so that no corner of the
//! service can read them past a test.

use std::{cell::RefCell, fmt};

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
    fn fill(&self, bytes: &mut [u8]) {
        STOCK.with_borrow_mut(|stock| stock.take(bytes));
    }
}

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; 512], left: 0 }) };
}

/// Random bytes of one thread. The generator takes as long for a few hundred as for ten, and every request wants an identifier.
struct Stock {
    bytes: [u8; 512],
    /// Those at the front that nobody has had.
    left: usize,
}

impl Stock {
    /// # Panics
    /// If the operating system gives no randomness. A service must not issue a token then.
    #[expect(clippy::expect_used, reason = "going on with predictable bytes would be worse than stopping")]
    fn take(&mut self, wanted: &mut [u8]) {
        if wanted.len() > self.bytes.len() {
            rand::fill(wanted).expect("the operating system gives random bytes");
            return;
        }
        if wanted.len() > self.left {
            rand::fill(&mut self.bytes).expect("the operating system gives random bytes");
            self.left = self.bytes.len();
        }
        let given = &mut self.bytes[self.left - wanted.len()..self.left];
        wanted.copy_from_slice(given);
        // Whoever reads this memory later must not find what became a secret.
        given.fill(0);
        self.left -= wanted.len();
    }
}

/// A new identifier. UUIDv7 begins with the time, so rows that are made later sort later (RFC 9562 §5.7).
pub fn new_id(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let now = clock.now();
    let millis = now.unix_timestamp() * 1000 + i64::from(now.millisecond());
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    // A clock before 1970 is a broken machine; the identifier is still unique.
    Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or_default(), &bytes).into_uuid()
}
