//! The exchange rates: slow to load, worth keeping.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use lab::{Backend, Counter, Probes};

use crate::door::Door;

/// The currencies that there is a rate for. A cache needs a bound, and a closed set of keys is the simplest one.
pub const CURRENCIES: [&str; 2] = ["eur", "usd"];

pub(crate) const LOADS: &str = "loads";
pub(crate) const LOADING: &str = "loads at once";

/// The source of the rates. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Rates {
    door: Door,
    backend: Backend,
    loads: Counter,
    down: bool,
}

/// Why there is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRate {
    /// There is no such currency: 404.
    Unknown,
    /// The source does not answer: 502.
    Down,
}

impl Rates {
    /// A source that is well.
    pub fn new(probes: &Probes) -> Self {
        let door = Door::new(probes);
        Self { door, backend: probes.backend(LOADING), loads: probes.counter(LOADS), down: false }
    }

    /// The same source while it is down.
    #[must_use]
    pub fn down(self) -> Self {
        Self { down: true, ..self }
    }

    /// Loads the rate of a currency, in ten-thousandths.
    ///
    /// # Errors
    /// If the source is down.
    pub async fn load(&self, _currency: &str) -> Result<u64, NoRate> {
        self.loads.add_one();
        // No load ends before all requests have come: who misses does not depend on a clock.
        tokio::join!(self.door.all_here(), self.backend.call());
        if self.down { Err(NoRate::Down) } else { Ok(10_000) }
    }

    pub(crate) fn door(&self) -> &Door {
        &self.door
    }
}

impl IntoResponse for NoRate {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Down => StatusCode::BAD_GATEWAY,
        }
        .into_response()
    }
}
