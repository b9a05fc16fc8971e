//! Proves lesson 19: threads that wait may be many, threads that compute may not; and a permit has to last as long as its job.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{
    future::poll_fn,
    io::Write,
    pin::pin,
    sync::{Arc, Barrier, Condvar, Mutex, mpsc},
    task::Poll,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use cpu_work::{BROKEN, CORES, IMPATIENT_CLIENTS, LESSON, Photos, TEN_THUMBNAILS, right, wrong};
use lab::{Controls, Experiment, Gauge, Observed, Probes, Report, Run};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use tower::ServiceExt;

type Way = (&'static str, fn(Photos) -> Router);

const EVERY_WAY: [Way; 4] = [
    ("blocking-pool", wrong::blocking_pool),
    ("permit-in-the-handler", wrong::permit_in_the_handler),
    ("permit-in-the-job", right::permit_in_the_job),
    ("rayon-pool", right::rayon_pool),
];

const IN_MEMORY: &str = "photos in memory at once";

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).report()
}

async fn thumbnail(app: &Router, number: u64) -> StatusCode {
    let request = Request::get(format!("/thumbnails/{number}")).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().status()
}

/// A runtime whose blocking pool has that many threads. Tokio's own default is 512.
fn runtime_with(blocking_threads: usize) -> Runtime {
    Builder::new_current_thread().enable_all().max_blocking_threads(blocking_threads).build().unwrap()
}

#[tokio::test]
async fn one_photo_is_made_by_every_way_and_a_broken_one_costs_only_its_request() {
    for (name, build) in EVERY_WAY {
        let app = build(Photos::new(&Probes::new(Controls::default())));

        assert_eq!(thumbnail(&app, 1).await, StatusCode::OK, "{name}");
        for _ in 0..3 {
            assert_eq!(thumbnail(&app, BROKEN).await, StatusCode::INTERNAL_SERVER_ERROR, "{name}");
        }
        assert_eq!(thumbnail(&app, 2).await, StatusCode::OK, "{name}");
    }
}

#[test]
fn the_blocking_pool_takes_ten_photos_into_memory_for_two_cores() {
    let report = run(&TEN_THUMBNAILS, "blocking-pool", &[("hold_ms", 1)]);

    assert_eq!(report.gauge(IN_MEMORY), 10);
    assert!(!report.verdict.holds);
}

#[test]
fn a_permit_or_a_pool_for_each_core_takes_two() {
    for variant in ["permit-in-the-job", "rayon-pool"] {
        let report = run(&TEN_THUMBNAILS, variant, &[("hold_ms", 1)]);

        assert_eq!(report.gauge(IN_MEMORY), 2, "{variant}");
        report.assert_holds();
    }
}

#[test]
fn a_permit_in_the_handler_is_free_again_when_the_client_is_gone_and_five_jobs_run_for_two_cores() {
    let report = run(&IMPATIENT_CLIENTS, "permit-in-the-handler", &[]);

    assert_eq!(report.gauge(IN_MEMORY), 5);
    assert!(!report.verdict.holds);
}

#[test]
fn a_permit_in_the_job_and_a_pool_for_each_core_run_two_jobs_however_many_clients_go() {
    for variant in ["permit-in-the-job", "rayon-pool"] {
        run(&IMPATIENT_CLIENTS, variant, &[]).assert_holds();
    }
}

/// Ten that wait for each other: only ten threads at the same time let them pass.
#[tokio::test]
async fn ten_blocking_calls_run_on_ten_threads_at_the_same_time() {
    let barrier = Arc::new(Barrier::new(10));
    let calls: JoinSet<_> = (0..10)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            tokio::task::spawn_blocking(move || barrier.wait().is_leader())
        })
        .collect();

    let leaders = calls.join_all().await.into_iter().filter(|leads| *leads.as_ref().unwrap()).count();

    assert_eq!(leaders, 1);
}

#[test]
fn ten_blocking_calls_on_a_pool_of_four_threads_come_in_three_waves() {
    /// How many are inside, and how often they were let go.
    #[derive(Default)]
    struct Wave {
        inside: u64,
        number: u64,
    }

    let runtime = runtime_with(4);
    let wave = Arc::new((Mutex::new(Wave::default()), Condvar::new()));
    let gauge = Gauge::default();
    for _ in 0..10 {
        let (wave, gauge) = (Arc::clone(&wave), gauge.clone());
        runtime.spawn_blocking(move || {
            let _inside = gauge.enter();
            let (state, changed) = &*wave;
            let mut state = state.lock().unwrap();
            state.inside += 1;
            changed.notify_all();
            let mine = state.number;
            drop(changed.wait_while(state, |wave| wave.number == mine).unwrap());
        });
    }

    let (state, changed) = &*wave;
    let mut left = 10;
    while left > 0 {
        let full = left.min(4);
        let mut state = changed.wait_while(state.lock().unwrap(), |wave| wave.inside < full).unwrap();
        left -= state.inside;
        state.inside = 0;
        state.number += 1;
        changed.notify_all();
    }

    assert_eq!(state.lock().unwrap().number, 10_u64.div_ceil(4));
    assert_eq!(gauge.most(), 4);
}

/// Jobs that hold a thread of the blocking pool each, until they are let go.
fn held_jobs(runtime: &Runtime, number: usize) -> Vec<mpsc::Sender<()>> {
    let (begun, began) = mpsc::channel();
    let jobs = (0..number)
        .map(|_| {
            let (let_go, held) = mpsc::channel::<()>();
            let begun = begun.clone();
            runtime.spawn_blocking(move || {
                begun.send(()).unwrap();
                // Also when the sender is dropped.
                let _ = held.recv();
            });
            let_go
        })
        .collect();
    began.iter().take(number).for_each(drop);
    jobs
}

#[test]
fn a_file_is_not_read_while_jobs_hold_the_whole_blocking_pool() {
    let runtime = runtime_with(CORES);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"settings").unwrap();
    let jobs = held_jobs(&runtime, CORES);

    runtime.block_on(async {
        let mut read = pin!(tokio::fs::read(file.path()));
        for _ in 0..100 {
            let polled = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await;
            assert!(polled.is_pending(), "no thread is free for it");
            tokio::task::yield_now().await;
        }
        drop(jobs);
        assert_eq!(read.await.unwrap(), b"settings");
    });
}

#[test]
fn a_file_is_read_while_jobs_leave_a_thread_of_the_blocking_pool_free() {
    let runtime = runtime_with(CORES + 1);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"settings").unwrap();
    let jobs = held_jobs(&runtime, CORES);

    let read = runtime.block_on(tokio::fs::read(file.path()));

    assert_eq!(read.unwrap(), b"settings");
    drop(jobs);
}

#[test]
fn every_request_of_the_first_experiment_is_answered_by_every_variant() {
    for variant in TEN_THUMBNAILS.variants {
        let report = run(&TEN_THUMBNAILS, variant.name, &[("requests", 1), ("hold_ms", 1)]);
        let Observed::Timeline { lanes, .. } = &report.observed else { panic!("not a timeline") };

        assert_eq!(lanes[0].status, Some(200), "{}", variant.name);
    }
}
