//! The gate of a gated run: who overlaps with whom is decided by counting, not by a clock.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::{sync::watch, time::timeout};

use crate::{Wait, probe::lock};

/// How many turns a call waits for its peers in a gated run before it goes on without them. It is never reached where the
/// calls really overlap, so it costs a right way nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(u32);

impl Patience {
    /// For proofs, which nobody sits and waits for.
    pub(crate) const LONG: Self = Self(200);
    /// For an answer: whoever has saved a wrong one wants to know. Some right answers get there as well, because they let
    /// only so many overlap; what they are judged by has happened then.
    pub(crate) const SHORT: Self = Self(Wait::SOON);
}

/// Lets calls go on only when all of them have come, and a heartbeat was answered meanwhile. Whoever calls again waits
/// until those first calls have all gone on, so that what each of them sees does not depend on a clock.
#[derive(Debug)]
pub(crate) struct Gate {
    first_calls: Mutex<FirstCalls>,
    moved: Condvar,
    /// The same fact for tasks, which must not wait on a condition variable.
    lets: watch::Sender<Lets>,
    patience: Patience,
}

/// The first call of each request.
#[derive(Debug)]
struct FirstCalls {
    to_come: usize,
    inside: usize,
    /// Requests that have come to the service, and calls that have come to the gate.
    moves: u64,
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
    pub(crate) fn new(peers: usize, patience: Patience) -> Arc<Self> {
        let first_calls = FirstCalls { to_come: peers, inside: 0, moves: 0, heartbeats: 0, given_up: false };
        Arc::new(Self {
            first_calls: Mutex::new(first_calls),
            moved: Condvar::new(),
            lets: watch::Sender::new(Lets::Nobody),
            patience,
        })
    }

    /// A request has come to the service: its call may be on the way here.
    pub(crate) fn request(&self) {
        lock(&self.first_calls).moves += 1;
    }

    pub(crate) fn arrive(self: &Arc<Self>) -> Ticket {
        let mut first_calls = lock(&self.first_calls);
        first_calls.moves += 1;
        let first = first_calls.to_come > 0;
        if first {
            first_calls.to_come -= 1;
            first_calls.inside += 1;
        }
        self.open_if_complete(&first_calls);
        let waits_for = if first { Lets::FirstCalls } else { Lets::Everybody };
        let wait = Wait::begin(first_calls.moves);
        Ticket { gate: Arc::clone(self), waits_for, wait }
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
    fn give_up(&self, first_calls: &mut FirstCalls) {
        first_calls.given_up = true;
        self.open(first_calls, Lets::Everybody);
    }

    /// One more look at what has come: the end of a turn, if one is over, and of the patience, if that was the last.
    fn wait_on(&self, wait: &mut Wait, first_calls: &mut FirstCalls) {
        if wait.has_lasted(first_calls.moves, self.patience.0) {
            self.give_up(first_calls);
        }
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
    wait: Wait,
}

impl Ticket {
    fn may_pass(&self) -> bool {
        *self.gate.lets.borrow() >= self.waits_for
    }

    pub(crate) fn pass_blocking(&mut self) {
        let gate = Arc::clone(&self.gate);
        let mut first_calls = lock(&gate.first_calls);
        while !self.may_pass() {
            let waited = gate.moved.wait_timeout(first_calls, Wait::TURN);
            first_calls = waited.unwrap_or_else(PoisonError::into_inner).0;
            gate.wait_on(&mut self.wait, &mut first_calls);
        }
    }

    pub(crate) async fn pass(&mut self) {
        let mut lets = self.gate.lets.subscribe();
        // The sender is in the gate, so the channel cannot close while this waits.
        while timeout(Wait::TURN, lets.wait_for(|lets| *lets >= self.waits_for)).await.is_err() {
            self.look();
        }
    }

    /// For somebody who computes instead of waiting.
    pub(crate) fn may_pass_by_now(&mut self) -> bool {
        self.look();
        self.may_pass()
    }

    fn look(&mut self) {
        let gate = Arc::clone(&self.gate);
        gate.wait_on(&mut self.wait, &mut lock(&gate.first_calls));
    }
}

/// The end of a computation. It is over when somebody else was served after it was first reached, which shows that the
/// computation shares its thread, or has one of its own.
#[derive(Debug)]
pub(crate) struct End {
    heartbeats: u64,
    wait: Wait,
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
        let first_calls = lock(&ticket.gate.first_calls);
        Self { heartbeats: first_calls.heartbeats, wait: Wait::begin(first_calls.moves) }
    }

    pub(crate) fn others(&mut self, ticket: &Ticket) -> Others {
        let mut first_calls = lock(&ticket.gate.first_calls);
        ticket.gate.wait_on(&mut self.wait, &mut first_calls);
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
