//! Our closed loop: a fixed number of connections, each asks again as soon as it is answered.
//!
//! It is goose's model with far less work for each request, for servers that answer in microseconds. A closed loop measures
//! what a server can do. It hides what users would feel who do not wait for each other; that is what `open.rs` is for.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use record::percentile;
use tokio::{runtime::Builder, task::JoinSet};

use crate::wire::{Wire, Wired};

/// What the connections saw.
#[derive(Debug, Default)]
pub(crate) struct Loop {
    /// Answers with the status that counts as good.
    pub(crate) answered: usize,
    /// Everything else: another status, a connection that broke.
    pub(crate) failed: usize,
    /// From the first request to the last answer.
    pub(crate) lasted: Duration,
    /// How long each good answer took, in milliseconds, sorted.
    pub(crate) waits_ms: Vec<f64>,
}

impl Loop {
    /// Good answers in a second.
    #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
    pub(crate) fn per_second(&self) -> f64 {
        let seconds = self.lasted.as_secs_f64();
        if seconds > 0.0 { self.answered as f64 / seconds } else { 0.0 }
    }

    /// The wait that this share of the answers did not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        percentile(&self.waits_ms, share)
    }
}

/// Lets `connections` ask for the same over and over, on the thread that calls.
///
/// # Errors
/// If there is no runtime, or not one good answer.
pub(crate) fn run(
    address: SocketAddr,
    request: &Wired,
    connections: usize,
    lasts: Duration,
) -> Result<Loop, String> {
    // One thread: the generator has a core of its own, and nothing is handed from core to core.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the clients: {error}"))?;
    let done = runtime.block_on(async {
        let began = Instant::now();
        let until = began + lasts;
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            clients.spawn(client(Wire::to(address), request.clone(), until));
        }
        let mut done = Loop::default();
        for (waits, failed) in clients.join_all().await {
            done.answered += waits.len();
            done.failed += failed;
            done.waits_ms.extend(waits.iter().map(|wait| wait.as_secs_f64() * 1e3));
        }
        done.lasted = began.elapsed();
        done
    });
    if done.answered == 0 {
        return Err(format!("not one good answer, and {} others", done.failed));
    }
    let mut done = done;
    done.waits_ms.sort_by(f64::total_cmp);
    Ok(done)
}

async fn client(mut wire: Wire, request: Wired, until: Instant) -> (Vec<Duration>, usize) {
    let (mut waits, mut failed) = (Vec::new(), 0);
    loop {
        let asked = Instant::now();
        if asked >= until {
            return (waits, failed);
        }
        match wire.ask(&request).await {
            Ok(answer) if (200..300).contains(&answer.status) => waits.push(asked.elapsed()),
            Ok(_) => failed += 1,
            Err(_) => {
                failed += 1;
                // A server that is gone would otherwise be asked a million times a second.
                tokio::task::yield_now().await;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use axum::{Router, http::StatusCode, routing::get};

    use super::*;

    /// A server on a thread of its own, since the generator holds the one that calls it.
    pub(crate) fn serve(router: Router) -> SocketAddr {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        told.recv().unwrap()
    }

    #[test]
    fn every_answer_is_counted_and_its_wait_kept() {
        let address = serve(Router::new().route("/", get(|| async { "ok" })));
        let done = run(address, &Wired::get(address, "/"), 4, Duration::from_millis(50)).unwrap();
        assert_eq!((done.failed, done.answered), (0, done.waits_ms.len()));
        assert!(done.answered >= 4 && done.waits_ms.is_sorted() && done.per_second() > 0.0);
    }

    #[test]
    fn a_server_that_only_refuses_gives_no_figures() {
        let address = serve(Router::new().route("/", get(|| async { StatusCode::SERVICE_UNAVAILABLE })));
        let error = run(address, &Wired::get(address, "/"), 2, Duration::from_millis(20)).unwrap_err();
        assert!(error.starts_with("not one good answer"), "{error}");
    }
}
