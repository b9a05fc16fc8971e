//! A price service that accepts the call and then says nothing for a while.

use std::time::Duration;

use lab::{Counter, Probes};

use crate::SILENCE_MS;

/// A client of the price service.
#[derive(Clone, Debug)]
pub struct Prices {
    silence: Duration,
    calls: Counter,
}

impl Prices {
    /// A service that is silent for as long as the control says.
    pub fn new(probes: &Probes) -> Self {
        let silence = Duration::from_millis(probes.control(SILENCE_MS.name).unwrap_or(0));
        Self::silent_for(silence, probes)
    }

    /// A service that is silent for that long.
    pub fn silent_for(silence: Duration, probes: &Probes) -> Self {
        Self { silence, calls: probes.counter(CALLS) }
    }

    /// Asks for the price in cents.
    pub async fn price(&self) -> u64 {
        self.calls.add_one();
        tokio::time::sleep(self.silence).await;
        4_200
    }
}

/// The counter of the calls to the price service.
pub(crate) const CALLS: &str = "calls to the price service";
