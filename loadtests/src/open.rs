//! Our open loop: requests come at a fixed rate, whether or not the last ones were answered, as users do.
//!
//! A wait is counted from the moment at which the request was due. If the server stalls for a second, all that were due in
//! that second waited, and the percentiles show it. In a closed loop only the few requests on their way would have.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Builder,
    task::LocalSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    closed::Loop,
    wire::{Wire, Wired},
};

/// Requests become due in groups, this far apart: tokio's timer knows no shorter time. So a wait is exact to a millisecond.
const TICK: Duration = Duration::from_millis(1);

/// More requests on their way than this are not sent but counted as failed: a server so far behind is lost, and each one
/// holds a connection.
const MOST_ON_THEIR_WAY: usize = 2000;

/// After the last request was due, answers are waited for this long.
const PATIENCE: Duration = Duration::from_secs(2);

struct Shared {
    idle: Vec<Wire>,
    done: Loop,
    on_their_way: usize,
}

/// Sends `rate` requests a second for as long as asked, on the thread that calls. A request without an answer in time failed.
///
/// # Errors
/// If there is no runtime.
pub(crate) fn run(address: SocketAddr, request: &Wired, rate: f64, lasts: Duration) -> Result<Loop, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the clients: {error}"))?;
    let done = Loop { lasted: lasts, ..Loop::default() };
    let shared = Rc::new(RefCell::new(Shared { idle: Vec::new(), done, on_their_way: 0 }));
    let clients = LocalSet::new();
    runtime.block_on(clients.run_until(send(address, request, rate, lasts, &shared)));
    // Whoever is still on the way has failed; dropping the tasks closes their connections.
    drop(clients);
    let mut shared = shared.borrow_mut();
    let mut done = std::mem::take(&mut shared.done);
    done.failed += shared.on_their_way;
    done.waits_ms.sort_by(f64::total_cmp);
    Ok(done)
}

async fn send(
    address: SocketAddr,
    request: &Wired,
    rate: f64,
    lasts: Duration,
    shared: &Rc<RefCell<Shared>>,
) {
    let mut ticks = interval(TICK);
    // A tick that the generator misses is made up for: the number of requests must not depend on how busy it is.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    let mut sent = 0_u64;
    loop {
        ticks.tick().await;
        let passed = began.elapsed().min(lasts);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bounded run has far fewer than 2^52 requests, and a rate is positive"
        )]
        let due = (rate * passed.as_secs_f64()) as u64;
        for nth in sent..due {
            #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 requests")]
            let at = began + Duration::from_secs_f64((nth + 1) as f64 / rate);
            // Not the time of the tick: if the generator is late, the request has waited already.
            one(address, request.clone(), at, shared);
        }
        sent = due;
        if passed == lasts {
            break;
        }
    }
    let until = Instant::now() + PATIENCE;
    while shared.borrow().on_their_way > 0 && Instant::now() < until {
        ticks.tick().await;
    }
}

fn one(address: SocketAddr, request: Wired, due: Instant, shared: &Rc<RefCell<Shared>>) {
    let mut now = shared.borrow_mut();
    if now.on_their_way >= MOST_ON_THEIR_WAY {
        now.done.failed += 1;
        return;
    }
    now.on_their_way += 1;
    let mut wire = now.idle.pop().unwrap_or_else(|| Wire::to(address));
    drop(now);
    let shared = Rc::clone(shared);
    tokio::task::spawn_local(async move {
        let answer = wire.ask(&request).await;
        let wait = due.elapsed();
        let mut now = shared.borrow_mut();
        now.on_their_way -= 1;
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                now.done.answered += 1;
                now.done.waits_ms.push(wait.as_secs_f64() * 1e3);
                now.idle.push(wire);
            }
            Ok(_) => {
                now.done.failed += 1;
                now.idle.push(wire);
            }
            Err(_) => now.done.failed += 1,
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{Router, http::StatusCode, routing::get};

    use super::*;
    use crate::closed::tests::serve;

    #[test]
    fn as_many_requests_are_sent_as_are_due_however_they_are_answered() {
        let router = Router::new()
            .route("/", get(|| async { "ok" }))
            .route("/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
        let address = serve(router);
        let lasts = Duration::from_millis(100);
        let done = run(address, &Wired::get(address, "/"), 500.0, lasts).unwrap();
        assert_eq!((done.answered, done.failed), (50, 0));
        assert!(done.waits_ms.len() == 50 && done.waits_ms.is_sorted());
        let done = run(address, &Wired::get(address, "/busy"), 500.0, lasts).unwrap();
        assert_eq!((done.answered, done.failed), (0, 50));
    }

    #[test]
    fn requests_go_on_while_none_is_answered_as_those_of_a_closed_loop_would_not() {
        // Nobody is answered before ten are there: a closed loop with fewer users would wait for ever.
        let all_here = Arc::new(tokio::sync::Barrier::new(10));
        let wait = move || {
            let all_here = Arc::clone(&all_here);
            async move {
                all_here.wait().await;
            }
        };
        let address = serve(Router::new().route("/", get(wait)));
        let done = run(address, &Wired::get(address, "/"), 200.0, Duration::from_millis(50)).unwrap();
        assert_eq!((done.answered, done.failed), (10, 0));
    }
}
