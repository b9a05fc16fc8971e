//! Lesson 18: how long until eight reports that wait for a database are all answered?
//!
//! What is timed: eight tasks on the service's runtime each take one request through the lesson's own router; the clock
//! stops when the last answer is there. There is no socket, no parser and no client in between. They would cost every
//! variant the same, and their noise would count as the variant's. What the harness itself costs is the baseline.
//! How the same routers behave behind sockets is the load test's question (`cargo load 18`).
//!
//! One worker, because the ratio is then the number of requests; the lesson shows what more workers change.
//!
//! Expect the async driver at about 3 ms and not at 2: tokio's timer counts whole milliseconds and rounds up, the
//! kernel's does not. A real driver is woken by its socket and pays no such round-up.

use std::hint::black_box;

use axum::{Router, body::Body, http::Request, routing::get};
use blocking_the_runtime::TEN_REPORTS;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};
use lab::{Controls, Experiment, Probes};
use record::Kind;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::{Compares, DO_NOTHING, Group};

/// Eight requests that wait 2 ms each: 16 ms one after the other, 2 ms together.
const SETTINGS: [(&str, u64); 3] = [("requests", 8), ("hold_ms", 2), ("workers", 1)];

/// The group.
pub(super) const GROUP: Group = Group {
    name: "18-ten-reports",
    question: "How long until 8 reports, each waiting 2 ms for a database, are all answered by 1 worker?",
    kind: Kind::Bench,
    compares: Compares::Variants(&TEN_REPORTS),
    measure: |criterion, group| measure(criterion, group, &TEN_REPORTS, &SETTINGS),
};

/// Measures the baseline and all variants of an experiment whose requests are reports.
pub(super) fn measure(
    criterion: &mut Criterion,
    group: &Group,
    experiment: &Experiment,
    settings: &[(&'static str, u64)],
) {
    let controls = controls(experiment, settings);
    let mut benchmarks = criterion.benchmark_group(group.name);
    // An iteration takes milliseconds: the same number of them in each sample, or the last samples would take most
    // of the time.
    benchmarks.sampling_mode(SamplingMode::Flat);

    let runtime = runtime(&controls);
    let nothing = Router::new().route("/report", get(|| async {}));
    bench(&mut benchmarks, DO_NOTHING, &runtime, &nothing, controls.requests());
    for variant in experiment.variants {
        // A runtime of its own: threads that one variant has started must not serve the next.
        let runtime = self::runtime(&controls);
        let router = runtime.block_on((variant.app)(Probes::new(controls.clone())));
        bench(&mut benchmarks, variant.name, &runtime, &router, controls.requests());
        runtime.shutdown_background();
    }
    benchmarks.finish();
}

fn bench(
    benchmarks: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    runtime: &Runtime,
    router: &Router,
    requests: usize,
) {
    benchmarks.bench_function(name, |bencher| {
        bencher.to_async(runtime).iter(|| async {
            let answers: Vec<_> = (0..requests).map(|_| tokio::spawn(report(router.clone()))).collect();
            for answer in answers {
                // A benchmark of refusals would look fast.
                assert!(matches!(answer.await, Ok(true)), "{name}: a report was not answered with 200");
            }
        });
    });
}

async fn report(router: Router) -> bool {
    let request = Request::get("/report").body(Body::empty());
    let Ok(request) = request else { return false };
    match router.oneshot(black_box(request)).await {
        Ok(answer) => black_box(answer).status().is_success(),
        Err(never) => match never {},
    }
}

/// The service's runtime. The thread that measures is not one of its workers.
#[expect(clippy::expect_used, reason = "without threads there is nothing to measure")]
fn runtime(controls: &Controls) -> Runtime {
    let workers = controls.workers();
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().expect("threads can be started")
}

#[expect(clippy::expect_used, reason = "the settings stand in this folder; the smoke run reads each of them")]
fn controls(experiment: &Experiment, settings: &[(&'static str, u64)]) -> Controls {
    experiment.controls(settings.iter().copied()).expect("the settings are within the experiment's bounds")
}
