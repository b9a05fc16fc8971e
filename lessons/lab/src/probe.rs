//! Probes: what a service is handed so that an experiment can see what it does.
//!
//! Everything here counts or gates; nothing measures time. A count is the same on a slow and on a fast machine.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    Control, Controls, Reading,
    gate::{End, Gate, Others, Ticket},
};

/// What a variant is handed: named gauges and counters, a slow system to call, and the controls of the run.
#[derive(Clone, Debug)]
pub struct Probes {
    controls: Controls,
    upstream: Option<SocketAddr>,
    gauges: Arc<Mutex<BTreeMap<&'static str, Gauge>>>,
    counters: Counters,
    gate: Option<Arc<Gate>>,
}

type Counters = Arc<Mutex<BTreeMap<&'static str, Counter>>>;

impl Probes {
    /// Probes for a service that is run outside an experiment: by a test, a benchmark or a load test.
    pub fn new(controls: Controls) -> Self {
        Self { controls, upstream: None, gauges: Arc::default(), counters: Arc::default(), gate: None }
    }

    pub(crate) fn gated_by(self, gate: Option<Arc<Gate>>) -> Self {
        Self { gate, ..self }
    }

    /// The same probes for a service that calls a second one, which listens there.
    #[must_use]
    pub fn calling(&self, upstream: SocketAddr) -> Self {
        Self { upstream: Some(upstream), ..self.clone() }
    }

    /// The value of a control of the experiment, `None` if it has no such control.
    pub fn control(&self, name: &str) -> Option<u64> {
        self.controls.get(name)
    }

    /// The gauge of that name. Two calls with one name share one gauge.
    pub fn gauge(&self, name: &'static str) -> Gauge {
        lock(&self.gauges).entry(name).or_default().clone()
    }

    /// The counter of that name. Two calls with one name share one counter.
    pub fn counter(&self, name: &'static str) -> Counter {
        lock(&self.counters).entry(name).or_default().clone()
    }

    /// A slow system to call, such as a report database. Its gauge carries the name given.
    pub fn backend(&self, name: &'static str) -> Backend {
        let hold = self.controls.get(Control::HOLD_MS.name).unwrap_or(0);
        Backend {
            hold: Duration::from_millis(hold),
            gauge: self.gauge(name),
            gate: self.gate.clone(),
            counters: Arc::clone(&self.counters),
        }
    }

    /// Where the experiment's second service listens, such as `http://127.0.0.1:40123`.
    ///
    /// # Panics
    /// If the experiment declares no `upstream`.
    #[expect(
        clippy::expect_used,
        reason = "a lesson that calls a service it does not declare cannot run at all"
    )]
    pub fn upstream(&self) -> String {
        let address = self.upstream.expect("the experiment declares an upstream");
        format!("http://{address}")
    }

    pub(crate) fn gauges(&self) -> Vec<Reading> {
        read(&self.gauges, Gauge::most)
    }

    pub(crate) fn counters(&self) -> Vec<Reading> {
        read(&self.counters, Counter::total)
    }
}

fn read<T>(probes: &Mutex<BTreeMap<&'static str, T>>, value: impl Fn(&T) -> u64) -> Vec<Reading> {
    let probes = lock(probes);
    probes.iter().map(|(name, probe)| Reading { name: (*name).to_owned(), value: value(probe) }).collect()
}

/// A poisoned probe is still a true one: its value is a number that was written in one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many are inside now, and how many at most.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<Levels>);

#[derive(Debug, Default)]
struct Levels {
    now: AtomicU64,
    most: AtomicU64,
}

impl Gauge {
    /// Raises the gauge until the guard is dropped, also when the holder panics or is cancelled.
    #[must_use = "the gauge falls again when the guard is dropped"]
    pub fn enter(&self) -> InFlight {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        InFlight(self.clone())
    }

    /// How many are inside now.
    pub fn now(&self) -> u64 {
        self.0.now.load(Ordering::SeqCst)
    }

    /// The most that were ever inside at the same time.
    pub fn most(&self) -> u64 {
        self.0.most.load(Ordering::SeqCst)
    }
}

/// One that is inside a [`Gauge`].
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A number that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Counts one more.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// The count so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A slow system that a service calls: each call takes as long as the control `hold_ms` says.
///
/// In a gated run the first call of each request also waits until all the others have made theirs, and a second call
/// waits until all first calls are over: no clock decides how many overlap, nor who sees what.
#[derive(Clone, Debug)]
pub struct Backend {
    hold: Duration,
    gauge: Gauge,
    gate: Option<Arc<Gate>>,
    counters: Counters,
}

impl Backend {
    /// Calls as a synchronous driver does: the thread waits in the kernel until the answer is there.
    #[expect(clippy::disallowed_methods, reason = "this is the blocking driver that the lessons are about")]
    pub fn call_blocking(&self) {
        let _in_flight = self.gauge.enter();
        let ticket = self.gate.as_ref().map(Gate::arrive);
        std::thread::sleep(self.hold);
        if let Some(mut ticket) = ticket {
            ticket.pass_blocking();
        }
    }

    /// Calls as an async driver does: the task is suspended until the answer is there.
    pub async fn call(&self) {
        let _in_flight = self.gauge.enter();
        let ticket = self.gate.as_ref().map(Gate::arrive);
        tokio::time::sleep(self.hold).await;
        if let Some(mut ticket) = ticket {
            ticket.pass().await;
        }
    }

    /// Rows that are already in memory: each costs arithmetic, none costs a wait.
    pub fn rows(&self) -> Rows {
        let rows = u64::try_from(self.hold.as_millis()).unwrap_or(u64::MAX) * Rows::A_MILLISECOND;
        // Counted before it is waited for: the last one to come opens the gate, and its peers may end at once.
        let in_flight = self.gauge.enter();
        let paced = self.gate.as_ref().map(|gate| Paced {
            ticket: gate.arrive(),
            end: None,
            // Here, not where the backend is made: most have no rows, and their reports no such line.
            kept: lock(&self.counters).entry(Rows::KEPT_THE_THREAD).or_default().clone(),
        });
        Rows { left: rows, paced, _in_flight: in_flight }
    }
}

/// The rows of a [`Backend`]. In a gated run they do not end before all peers have begun, nor before somebody else was
/// served after the last row: whoever lets others in at the beginning only is found out there.
#[derive(Debug)]
pub struct Rows {
    left: u64,
    paced: Option<Paced>,
    _in_flight: InFlight,
}

/// What holds the end of the rows back in a gated run.
#[derive(Debug)]
struct Paced {
    ticket: Ticket,
    end: Option<End>,
    kept: Counter,
}

impl Paced {
    /// Asked when the last row was handed out, and after each row that is handed out to pass the time.
    fn may_end(&mut self) -> bool {
        let others = self.end.get_or_insert_with(|| End::of(&self.ticket)).others(&self.ticket);
        if !self.ticket.may_pass_by_now() || others == Others::NotYet {
            return false;
        }
        if others == Others::Never {
            self.kept.add_one();
        }
        true
    }
}

impl Rows {
    /// The counter of rows after which nobody else was served before they ended. Only gated runs have it.
    pub const KEPT_THE_THREAD: &str = "rows that kept their thread to the end";

    /// Rows that cost about a millisecond in a debug build on a machine of today. Only pictures depend on it.
    const A_MILLISECOND: u64 = 200;
}

impl Iterator for Rows {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.left == 0 && self.paced.as_mut().is_none_or(Paced::may_end) {
            return None;
        }
        self.left = self.left.saturating_sub(1);
        // Stands for parsing one row. `black_box` keeps an optimised build from removing it.
        Some(std::hint::black_box((0..400_u64).fold(self.left, |sum, n| sum.rotate_left(7) ^ n)))
    }
}
