//! The board that client and server of one run write on: lanes, heartbeats, exchanges.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Instant,
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::get,
};

use crate::{Beat, Counter, Event, Exchange, Gauge, Lane, gate::Gate, probe::lock, server::LANE};

/// The endpoint that only says "ok". The lab adds it to every variant.
pub(crate) const HEARTBEAT: &str = "/lab/heartbeat";

/// Told of everything that is written on the board.
pub(crate) type Watcher = Arc<dyn Fn(Event) + Send + Sync>;

/// What is known of a run so far. A run that is cut still has its board.
pub(crate) struct Board {
    pub(crate) lanes: Mutex<Vec<Lane>>,
    pub(crate) beats: Mutex<Vec<Beat>>,
    pub(crate) exchanges: Mutex<Vec<Exchange>>,
    pub(crate) in_flight: Gauge,
    pub(crate) beats_meanwhile: Counter,
    pub(crate) succeeded: Counter,
    first_sent: OnceLock<Instant>,
    gate: Option<Arc<Gate>>,
    watcher: Option<Watcher>,
}

impl Board {
    pub(crate) fn new(lanes: usize, gate: Option<Arc<Gate>>, watcher: Option<Watcher>) -> Arc<Self> {
        let lanes = (0..lanes).map(|id| Lane { id, ..Lane::default() }).collect();
        Arc::new(Self {
            lanes: Mutex::new(lanes),
            beats: Mutex::default(),
            exchanges: Mutex::default(),
            in_flight: Gauge::default(),
            beats_meanwhile: Counter::default(),
            succeeded: Counter::default(),
            first_sent: OnceLock::new(),
            gate,
            watcher,
        })
    }

    /// Microseconds since the first call of this function: the first request sent sets the zero.
    pub(crate) fn now_us(&self) -> u64 {
        let since = self.first_sent.get_or_init(Instant::now).elapsed();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn lane(&self, id: usize, write: impl FnOnce(&mut Lane, u64)) {
        let now = self.now_us();
        let mut lanes = lock(&self.lanes);
        if let Some(lane) = lanes.get_mut(id) {
            write(lane, now);
            self.tell(|| Event::Lane(lane.clone()));
        }
    }

    pub(crate) fn exchange(&self, exchange: Exchange) {
        self.tell(|| Event::Exchange(exchange.clone()));
        lock(&self.exchanges).push(exchange);
    }

    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(watcher) = &self.watcher {
            watcher(event());
        }
    }

    /// Adds the heartbeat, and stamps each lane when its handler is entered.
    pub(crate) fn around(self: Arc<Self>, router: Router) -> Router {
        let beat = Arc::clone(&self);
        router
            .route(HEARTBEAT, get(move || async move { beat.heartbeat() }))
            .layer(from_fn_with_state(self, stamp))
    }

    fn heartbeat(&self) -> &'static str {
        if self.in_flight.now() > 0 {
            self.beats_meanwhile.add_one();
            if let Some(gate) = &self.gate {
                gate.heartbeat();
            }
        }
        "ok"
    }
}

async fn stamp(State(board): State<Arc<Board>>, request: Request, next: Next) -> Response {
    let lane = request.headers().get(LANE).and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(lane) = lane else { return next.run(request).await };
    board.lane(lane, |lane, now| lane.started_us = Some(now));
    if let Some(gate) = &board.gate {
        gate.request();
    }
    let _in_flight = board.in_flight.enter();
    next.run(request).await
}
