//! Waiting for peers without a clock that would give them less on a busy machine.

use std::time::{Duration, Instant};

/// Waiting that is counted in turns of whoever waits, and begins anew whenever somebody comes. On a machine that is busy
/// with something else a turn takes longer, so those who are waited for have theirs as well.
#[derive(Debug)]
pub struct Wait {
    moves: u64,
    turns: u32,
    since: Instant,
}

impl Wait {
    /// How long a turn lasts at least: whoever waits looks again after this much time.
    pub const TURN: Duration = Duration::from_millis(10);

    /// Turns after which calls give each other up where somebody waits for the verdict.
    pub const SOON: u32 = 15;

    /// Begins when so many have moved.
    pub fn begin(moves: u64) -> Self {
        Self { moves, turns: 0, since: Instant::now() }
    }

    /// A look at how many have moved by now, and whether that many turns have passed since the last one did.
    pub fn has_lasted(&mut self, moves: u64, turns: u32) -> bool {
        if self.moves != moves {
            *self = Self::begin(moves);
        } else if self.since.elapsed() >= Self::TURN {
            (self.turns, self.since) = (self.turns + 1, Instant::now());
        }
        self.turns >= turns
    }
}
