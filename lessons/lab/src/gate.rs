//! The gate of a gated run: who overlaps with whom is decided by counting, not by a clock.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::probe::lock;

/// How long a call waits for its peers in a gated run before it goes on without them. It is never reached where the
/// calls really overlap, so it costs a right way nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets calls go on only when all of them have come, and a heartbeat was answered meanwhile. Whoever calls again waits
/// until those first calls have all gone on, so that what each of them sees does not depend on a clock.
#[derive(Debug)]
pub(crate) struct Gate {
    first_calls: Mutex<FirstCalls>,
    moved: Condvar,
    /// The same fact for tasks, which must not wait on a condition variable.
    lets: watch::Sender<Lets>,
}

/// The first call of each request.
#[derive(Debug)]
struct FirstCalls {
    to_come: usize,
    inside: usize,
    /// Answered while calls were in flight.
    heartbeats: u64,
    /// Somebody has waited in vain.
    given_up: bool,
}

/// Whom the gate lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lets {
    Nobody,
    FirstCalls,
    Everybody,
}

impl Gate {
    pub(crate) fn new(peers: usize) -> Arc<Self> {
        Arc::new(Self {
            first_calls: Mutex::new(FirstCalls { to_come: peers, inside: 0, heartbeats: 0, given_up: false }),
            moved: Condvar::new(),
            lets: watch::Sender::new(Lets::Nobody),
        })
    }

    pub(crate) fn arrive(self: &Arc<Self>) -> Ticket {
        let mut first_calls = lock(&self.first_calls);
        let first = first_calls.to_come > 0;
        if first {
            first_calls.to_come -= 1;
            first_calls.inside += 1;
        }
        self.open_if_complete(&first_calls);
        let waits_for = if first { Lets::FirstCalls } else { Lets::Everybody };
        Ticket { gate: Arc::clone(self), waits_for, since: Instant::now() }
    }

    /// A heartbeat was answered while calls were in flight.
    pub(crate) fn heartbeat(&self) {
        let mut first_calls = lock(&self.first_calls);
        first_calls.heartbeats += 1;
        self.open_if_complete(&first_calls);
    }

    fn leave(&self) {
        let mut first_calls = lock(&self.first_calls);
        first_calls.inside -= 1;
        if first_calls.to_come == 0 && first_calls.inside == 0 {
            self.open(&first_calls, Lets::Everybody);
        }
    }

    fn open_if_complete(&self, first_calls: &FirstCalls) {
        if first_calls.to_come == 0 && first_calls.heartbeats > 0 {
            self.open(first_calls, Lets::FirstCalls);
        }
    }

    /// Whoever has lost patience opens for all that come later: one wait is enough to show that calls queue.
    fn give_up(&self) {
        let mut first_calls = lock(&self.first_calls);
        first_calls.given_up = true;
        self.open(&first_calls, Lets::Everybody);
    }

    /// Takes the locked state as a witness: a waiter that has looked and not yet slept cannot miss the call.
    fn open(&self, _locked: &FirstCalls, lets: Lets) {
        self.lets.send_if_modified(|so_far| {
            let wider = lets > *so_far;
            *so_far = lets.max(*so_far);
            wider
        });
        self.moved.notify_all();
    }
}

/// One call that has come to the [`Gate`].
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    waits_for: Lets,
    since: Instant,
}

impl Ticket {
    fn may_pass(&self) -> bool {
        *self.gate.lets.borrow() >= self.waits_for
    }

    pub(crate) fn pass_blocking(&self) {
        let first_calls = lock(&self.gate.first_calls);
        let waited = self.gate.moved.wait_timeout_while(first_calls, PATIENCE, |_| !self.may_pass());
        drop(waited);
        if !self.may_pass() {
            self.gate.give_up();
        }
    }

    pub(crate) async fn pass(&self) {
        let mut lets = self.gate.lets.subscribe();
        let passed = tokio::time::timeout(PATIENCE, lets.wait_for(|lets| *lets >= self.waits_for)).await;
        if passed.is_err() {
            self.gate.give_up();
        }
    }

    /// For somebody who computes instead of waiting.
    pub(crate) fn may_pass_by_now(&self) -> bool {
        if self.since.elapsed() >= PATIENCE {
            self.gate.give_up();
        }
        self.may_pass()
    }
}

/// The end of a computation. It is over when somebody else was served after it was first reached, which shows that the
/// computation shares its thread, or has one of its own.
#[derive(Debug)]
pub(crate) struct End {
    heartbeats: u64,
    since: Instant,
}

/// Whether somebody else was served at the [`End`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Served,
    NotYet,
    /// Nobody will be, or one before has shown already what happens here.
    Never,
}

impl End {
    pub(crate) fn of(ticket: &Ticket) -> Self {
        Self { heartbeats: lock(&ticket.gate.first_calls).heartbeats, since: Instant::now() }
    }

    pub(crate) fn others(&self, ticket: &Ticket) -> Others {
        if self.since.elapsed() >= PATIENCE {
            ticket.gate.give_up();
        }
        let first_calls = lock(&ticket.gate.first_calls);
        match (first_calls.heartbeats > self.heartbeats, first_calls.given_up) {
            (true, _) => Others::Served,
            (false, true) => Others::Never,
            (false, false) => Others::NotYet,
        }
    }
}

impl Drop for Ticket {
    /// Also when the call is cancelled, so that nobody waits for it.
    fn drop(&mut self) {
        if self.waits_for == Lets::FirstCalls {
            self.gate.leave();
        }
    }
}
