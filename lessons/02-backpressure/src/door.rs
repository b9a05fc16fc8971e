//! The door of a service: it counts who comes in, so that who overlaps with whom is decided by counting and not by a clock.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use lab::{Control, Probes};
use tokio::sync::watch;

/// How long somebody waits for the others to come. Only a run that was cut gets there.
const PATIENCE: Duration = Duration::from_secs(3);

/// Knows how many requests are to come, and how many have.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    expected: u64,
    arrived: watch::Sender<u64>,
}

impl Door {
    /// A door that expects as many requests as the experiment sends.
    pub(crate) fn new(probes: &Probes) -> Self {
        let expected = probes.control(Control::REQUESTS.name).unwrap_or(0);
        Self { expected, arrived: watch::Sender::new(0) }
    }

    /// Puts the door around a service, outside of all its layers: also who is turned away has come.
    pub(crate) fn around(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), arrive))
    }

    /// Waits until all requests have come.
    pub(crate) async fn all_here(&self) {
        let mut arrived = self.arrived.subscribe();
        // The sender is in `self`, so the channel cannot close while this waits.
        let _ = tokio::time::timeout(PATIENCE, arrived.wait_for(|arrived| *arrived >= self.expected)).await;
    }
}

async fn arrive(State(door): State<Door>, request: Request, next: Next) -> Response {
    // From here to the decision of a limiter there is no await that waits: on one worker nobody comes in between.
    door.arrived.send_modify(|arrived| *arrived += 1);
    next.run(request).await
}
