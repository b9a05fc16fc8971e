//! N requests at once on N new connections: the wall time of the whole burst says how many were served at a time.

use std::time::{Duration, Instant};

use record::{Measure, Role, Row, Study, Unit};
use tokio::{runtime::Builder, task::JoinSet};

use crate::{
    progress,
    service::Service,
    wire::{Wire, Wired},
};

/// What a burst is asked of: name, role, path, and whether it is the peer's. Ours stand beside it and are not set against it:
/// how the wall time grows is the point, not which framework sleeps faster.
const WAYS: [(&str, Role, &str, bool); 6] = [
    ("FastAPI, def", Role::Peer, "/def-sleep", true),
    ("FastAPI, async def", Role::Peer, "/async-sleep", true),
    ("FastAPI, async def that blocks", Role::Peer, "/async-blocking-sleep", true),
    ("axum, spawn_blocking", Role::Baseline, "/blocking-pool-sleep", false),
    ("axum, async", Role::Baseline, "/async-sleep", false),
    ("axum, async that blocks", Role::Baseline, "/async-blocking-sleep", false),
];

/// How many at once. A pool of 40 threads takes one turn for 40 and two for 41.
const BURSTS: [usize; 4] = [10, 40, 41, 100];

/// A way that serves one at a time is not asked for more than this: a hundred would take half a minute.
const MOST_IN_TURN: usize = 10;

/// Measures each burst, round by round.
///
/// # Errors
/// If a request is not answered with 200.
pub(super) fn measure(peer: &Service, axum: &Service, rounds: u16) -> Result<Vec<Study>, String> {
    let mut studies = Vec::new();
    for calls in BURSTS {
        let question = format!("{calls} calls at once, each waiting 0.3 s");
        let mut study = super::study(&format!("burst-{calls}"), &question);
        study.lesson = Some(18);
        study.settings.insert("calls".to_owned(), calls.to_string());
        study.settings.insert("workers".to_owned(), "1".to_owned());
        progress::say(&format!("{question}, {rounds} rounds"));
        for _ in 0..rounds {
            let mut rows = Vec::new();
            for (name, role, path, is_peer) in WAYS {
                if path == "/async-blocking-sleep" && calls > MOST_IN_TURN {
                    continue;
                }
                let service = if is_peer { peer } else { axum };
                let wall = burst(service, path, calls).map_err(|error| format!("{name}: {error}"))?;
                let measures =
                    vec![Measure::one("all answered after", Unit::Milliseconds, wall.as_secs_f64() * 1e3)];
                rows.push(Row { name: name.to_owned(), role, at: None, measures });
            }
            let round = Study { rows, ..study.clone() };
            study.merge(round);
        }
        studies.push(study);
    }
    Ok(studies)
}

/// From the first request sent to the last answer read.
fn burst(service: &Service, path: &str, calls: usize) -> Result<Duration, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the clients: {error}"))?;
    let request = Wired::get(service.address, path);
    runtime.block_on(async {
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..calls {
            let (mut wire, request) = (Wire::to(service.address), request.clone());
            clients.spawn(async move { wire.ask(&request).await.map(|answer| answer.status) });
        }
        for status in clients.join_all().await {
            match status {
                Ok(200) => {}
                Ok(status) => return Err(format!("{path} answered {status}")),
                Err(error) => return Err(format!("{path}: {error}")),
            }
        }
        Ok(began.elapsed())
    })
}
