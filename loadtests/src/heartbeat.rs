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

use crate::{attack::TIMEOUT, service::HEARTBEAT};

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
    /// Starts it against a service.
    pub(crate) fn start(url: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (url, stopped) = (format!("{url}{HEARTBEAT}"), Arc::clone(&stop));
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

/// The smallest wait that this share of the beats did not exceed (nearest rank); zero without beats.
pub(crate) fn percentile(beats: &[Beat], share: f64) -> Duration {
    let mut waits: Vec<_> = beats.iter().map(|beat| beat.waited).collect();
    waits.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run has a few thousand beats, and a share is positive"
    )]
    let rank = (share * waits.len() as f64).ceil() as usize;
    waits.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(waits_ms: impl IntoIterator<Item = u64>) -> Vec<Beat> {
        let sent = Instant::now();
        waits_ms.into_iter().map(|ms| Beat { sent, waited: Duration::from_millis(ms) }).collect()
    }

    #[test]
    fn a_percentile_is_a_wait_that_really_occurred() {
        let beats = beats((1..=200).rev());
        assert_eq!(percentile(&beats, 0.50), Duration::from_millis(100));
        assert_eq!(percentile(&beats, 0.99), Duration::from_millis(198));
    }

    #[test]
    fn the_percentiles_of_one_beat_are_that_beat_and_of_none_zero() {
        assert_eq!(percentile(&beats([7]), 0.50), Duration::from_millis(7));
        assert_eq!(percentile(&beats([7]), 0.99), Duration::from_millis(7));
        assert_eq!(percentile(&[], 0.99), Duration::ZERO);
    }
}
