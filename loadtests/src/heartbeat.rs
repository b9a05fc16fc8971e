//! The neighbour: somebody who asks the same service for something that costs nothing.
//!
//! Heartbeats are sent on time, whether or not the last one was answered (an open loop). A probe that waited for its
//! answer would send few beats while the service stalls, and so would hardly see the stall.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, task::JoinSet, time::MissedTickBehavior};

use crate::attack::TIMEOUT;

/// Heartbeats are due this far apart.
const BETWEEN: Duration = Duration::from_millis(20);

/// One heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beat {
    /// When it was sent.
    pub(crate) sent: Instant,
    /// From then until its answer. One that is never answered counts with the time after which it was given up.
    pub(crate) waited: Duration,
}

/// A heartbeat that goes on until it is stopped, on a thread of its own: a busy generator must not delay it.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    stop: Arc<AtomicBool>,
    beats: thread::JoinHandle<Result<Vec<Beat>, String>>,
}

impl Heartbeat {
    /// Starts it against an address that costs the service nothing.
    pub(crate) fn start(url: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (url, stopped) = (url.to_owned(), Arc::clone(&stop));
        Self { stop, beats: thread::spawn(move || beat(&url, &stopped)) }
    }

    /// Stops it and waits for the beats that are on their way.
    ///
    /// # Errors
    /// If it could not be sent at all.
    pub(crate) fn stop(self) -> Result<Vec<Beat>, String> {
        self.stop.store(true, Ordering::Relaxed);
        self.beats.join().unwrap_or_else(|_| Err("the heartbeat broke off".to_owned()))
    }
}

fn beat(url: &str, stopped: &AtomicBool) -> Result<Vec<Beat>, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
    let client = client.map_err(|error| format!("no client for the heartbeat: {error}"))?;
    runtime.block_on(async {
        let mut ticks = tokio::time::interval(BETWEEN);
        // A tick that comes late is made up for: the number of beats must not depend on how busy the machine is.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut beats = JoinSet::new();
        while !stopped.load(Ordering::Relaxed) {
            ticks.tick().await;
            // Not the time of the tick: a timer that fires late is this thread's fault and not the service's.
            let sent = Instant::now();
            let request = client.get(url).send();
            beats.spawn(async move {
                let answered = request.await.is_ok_and(|answer| answer.status().is_success());
                Beat { sent, waited: if answered { sent.elapsed() } else { TIMEOUT } }
            });
        }
        Ok(beats.join_all().await)
    })
}
