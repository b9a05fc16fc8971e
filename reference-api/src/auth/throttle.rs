//! Bounds guessing: who fails too often has to wait, whether the next attempt would be right or not.
//!
//! Three counters for each attempt. *Account and address together* stops somebody who guesses at one account, and leaves its
//! owner alone, who comes from elsewhere. *Address* stops one password that is tried on many accounts. *Account* bounds what
//! many addresses can try together: no more than 100 failures in a row (NIST SP 800-63B-4 §3.2.2). That last one can be used
//! to keep an owner from logging in for a day; sessions that are open go on.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::email::Email;
use crate::{
    clock::Clock,
    error::{ApiError, Cause},
};

/// How long failures count, in seconds: a day.
pub const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;

/// A name and an address are a hundred bytes: this is 20 MB at the most.
const MOST_COUNTERS: usize = 100_000;

/// From so many failures on, each further one is followed by so many seconds of waiting.
pub type Steps = [(u32, i64); 3];

/// A counter of failures, and what it leads to.
#[derive(Clone, Debug)]
pub struct Counter {
    /// What it counts, such as `address 203.0.113.9`.
    pub name: String,
    /// The waiting that follows, least first.
    pub steps: Steps,
}

/// What a store of counters answers with.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Cause>> + Send + 'a>>;

/// Keeps the counters. In memory for one process; with several replicas, where all of them can see it.
pub trait Store: fmt::Debug + Send + Sync {
    /// For how many seconds more one of the counters is locked; `None` if none is.
    fn locked_for<'a>(&'a self, counters: &'a [Counter], now: i64) -> Answer<'a, Option<i64>>;

    /// Counts one failure for each counter, and locks those that have reached a step.
    fn count<'a>(&'a self, counters: &'a [Counter], now: i64) -> Answer<'a, ()>;

    /// Sets the counters back to nothing.
    fn clear<'a>(&'a self, counters: &'a [Counter]) -> Answer<'a, ()>;
}

// ANCHOR: login_throttle
/// Limits attempts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Throttle {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    free: u32,
}

impl Throttle {
    /// So many failures in a row are free.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, free: u32) -> Self {
        Self { store, clock, free }
    }

    /// An attempt at the password of that account.
    pub(crate) fn attempt(&self, account: &Email, from: IpAddr) -> Attempt<'_> {
        let n = self.free;
        let (account, network) = (account.as_str(), network(from));
        let pair = Counter {
            name: format!("pair {network} {account}"),
            steps: [(n, 60), (4 * n, 900), (10 * n, 3600)],
        };
        let account =
            Counter { name: format!("account {account}"), steps: [(20 * n, REMEMBERED_SECONDS); 3] };
        // A success does not set back the counter of the address: else somebody could log in to an account of their own
        // between the guesses.
        Attempt { throttle: self, counters: vec![pair, account, self.address(from)], cleared_by_success: 2 }
    }

    /// An attempt to learn something, such as which addresses have an account.
    pub(crate) fn probe(&self, from: IpAddr) -> Attempt<'_> {
        Attempt { throttle: self, counters: vec![self.address(from)], cleared_by_success: 0 }
    }

    fn address(&self, from: IpAddr) -> Counter {
        let n = self.free;
        let steps = [(10 * n, 60), (20 * n, 900), (40 * n, 3600)];
        Counter { name: format!("address {}", network(from)), steps }
    }
}
// ANCHOR_END: login_throttle

/// Something that is tried, and may be tried a few times.
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    counters: Vec<Counter>,
    cleared_by_success: usize,
}

impl Attempt<'_> {
    /// Lets it through, unless too many before it have failed.
    ///
    /// Asked before the attempt waits for its turn to be hashed, and again when the turn comes: of a hundred that arrive
    /// together, those that are left when the fifth has failed are refused without a hash.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] while one of the counters is locked.
    pub(crate) async fn admit(&self) -> Result<(), ApiError> {
        let now = self.throttle.clock.now().unix_timestamp();
        match self.throttle.store.locked_for(&self.counters, now).await.map_err(ApiError::Unavailable)? {
            None => Ok(()),
            Some(seconds) => {
                tracing::warn!(seconds, "an attempt was refused: too many before it failed");
                Err(ApiError::TooManyRequests(seconds.unsigned_abs()))
            }
        }
    }

    /// It was wrong.
    pub(crate) async fn failed(&self) -> Result<(), ApiError> {
        let now = self.throttle.clock.now().unix_timestamp();
        self.throttle.store.count(&self.counters, now).await.map_err(ApiError::Unavailable)
    }

    /// It was right.
    pub(crate) async fn succeeded(&self) -> Result<(), ApiError> {
        let cleared = &self.counters[..self.cleared_by_success];
        self.throttle.store.clear(cleared).await.map_err(ApiError::Unavailable)
    }
}

/// One household has a whole /64 of IPv6 addresses, and a new one for each attempt if it likes.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

/// The counters in this process.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<HashMap<String, Failures>>);

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last: i64,
    locked_until: i64,
}

impl InMemory {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        // A panic between two counters leaves numbers that are too low by one, and nothing broken.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked_now(&self, counters: &[Counter], now: i64) -> Option<i64> {
        let all = self.all();
        let found = counters.iter().filter_map(|counter| all.get(&counter.name));
        found.map(|failures| failures.locked_until - now).max().filter(|seconds| *seconds > 0)
    }

    fn count_now(&self, counters: &[Counter], now: i64) {
        let mut all = self.all();
        if all.len() + counters.len() > MOST_COUNTERS {
            forget_older_half(&mut all);
        }
        for counter in counters {
            let failures = all.entry(counter.name.clone()).or_default();
            if now - failures.last >= REMEMBERED_SECONDS {
                failures.count = 0;
            }
            failures.count += 1;
            failures.last = now;
            let reached = counter.steps.iter().rev().find(|(from, _)| failures.count >= *from);
            failures.locked_until = reached.map_or(0, |(_, seconds)| now + seconds);
        }
    }
}

/// Half at once, so that the walk over all of them is paid for by fifty thousand attempts.
fn forget_older_half(all: &mut HashMap<String, Failures>) {
    let mut times: Vec<i64> = all.values().map(|failures| failures.last).collect();
    times.sort_unstable();
    let middle = times[times.len() / 2];
    all.retain(|_, failures| failures.last > middle);
}

impl Store for InMemory {
    fn locked_for<'a>(&'a self, counters: &'a [Counter], now: i64) -> Answer<'a, Option<i64>> {
        let locked = self.locked_now(counters, now);
        Box::pin(async move { Ok(locked) })
    }

    fn count<'a>(&'a self, counters: &'a [Counter], now: i64) -> Answer<'a, ()> {
        self.count_now(counters, now);
        Box::pin(async { Ok(()) })
    }

    fn clear<'a>(&'a self, counters: &'a [Counter]) -> Answer<'a, ()> {
        let mut all = self.all();
        for counter in counters {
            all.remove(&counter.name);
        }
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(name: &str) -> Counter {
        Counter { name: name.to_owned(), steps: [(2, 60), (3, 900), (4, 3600)] }
    }

    #[test]
    fn each_failure_beyond_the_free_ones_locks_for_longer() {
        let store = InMemory::default();
        let counters = [counter("a"), counter("b")];
        store.count_now(&counters, 0);
        assert_eq!(store.locked_now(&counters, 0), None);
        store.count_now(&counters[..1], 1);
        assert_eq!(store.locked_now(&counters, 2), Some(59));
        assert_eq!(store.locked_now(&counters[1..], 2), None);
        assert_eq!(store.locked_now(&counters, 61), None);
        store.count_now(&counters, 61);
        assert_eq!(store.locked_now(&counters, 62), Some(899));
    }

    #[test]
    fn failures_are_forgotten_after_a_day() {
        let store = InMemory::default();
        for day in 0..5 {
            store.count_now(&[counter("a")], day * REMEMBERED_SECONDS);
            assert_eq!(store.locked_now(&[counter("a")], day * REMEMBERED_SECONDS), None, "day {day}");
        }
    }

    #[test]
    fn a_full_store_forgets_the_older_half() {
        let store = InMemory::default();
        for number in 0..=MOST_COUNTERS {
            store.count_now(&[counter(&number.to_string())], i64::try_from(number).unwrap());
        }
        let all = store.all();
        assert!(all.len() <= MOST_COUNTERS / 2 + 1, "{}", all.len());
        assert!(all.contains_key(&MOST_COUNTERS.to_string()));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(parse("2001:db8:1:2::1")), network(parse("2001:db8:1:2:ffff::9")));
        assert_ne!(network(parse("2001:db8:1:2::1")), network(parse("2001:db8:1:3::1")));
        assert_ne!(network(parse("192.0.2.1")), network(parse("192.0.2.2")));
    }
}
