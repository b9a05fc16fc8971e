//! A search engine that has memory for four searches at once.

use axum::http::{StatusCode, header};
use lab::{Backend, Probes};

use crate::door::Door;

/// How many searches there is memory for.
pub const SEATS: usize = 4;

pub(crate) const SEARCHING: &str = "searches at once";

/// The search engine. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Engine {
    door: Door,
    backend: Backend,
}

impl Engine {
    /// An engine, as the experiment hands it out.
    pub(crate) fn new(probes: &Probes, door: &Door) -> Self {
        Self { door: door.clone(), backend: probes.backend(SEARCHING) }
    }

    /// Searches, and says how many hits there are.
    pub async fn search(&self) -> &'static str {
        // No search ends before all requests have come: how many overlap does not depend on a clock.
        tokio::join!(self.door.all_here(), self.backend.call());
        "7 hits"
    }
}

/// The answer to a request that there is no room for.
pub fn busy() -> (StatusCode, [(header::HeaderName, &'static str); 1]) {
    // 503 and a hint when to come again: a client that gets neither tries again at once.
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")])
}
