//! The ways of a lesson, asked for what the lesson asks: the shape of most groups.
//!
//! What is timed: the requests of the lesson's experiment, through the lesson's own router. Requests that the experiment sends
//! together are sent together here, the others in turn; the clock stops when the last answer has been read. There is no
//! socket, no parser and no client in between. They would cost every variant the same, and their noise would count as the
//! variant's. What the harness itself costs is the baseline. How the same routers behave behind sockets is the load test's
//! question (`cargo load`).
//!
//! Where the lesson counts something, such as the statements of an answer, it is counted here too, on a fresh service: a count
//! is the same on every machine.

use std::hint::black_box;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use criterion::{Criterion, SamplingMode};
use lab::{App, Controls, Experiment, Plan, Probes, Server, Variant};
use record::{Measure, Settings, Unit};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::{Compares, DO_NOTHING, Group};

/// What is asked of each variant of an experiment.
pub(crate) struct Asked {
    /// The experiment whose variants are compared.
    pub(super) experiment: &'static Experiment,
    /// Controls that differ from the lab's defaults.
    pub(super) controls: &'static [(&'static str, u64)],
    /// What a variant is asked for, where that is not what the experiment asks for.
    pub(super) asks: Option<fn(&Variant) -> Vec<lab::Request>>,
    /// What the lesson counts while it answers.
    pub(super) counts: Option<&'static str>,
    /// Whether the service is built anew each time, because it would answer the second time from what it has kept.
    pub(super) anew: bool,
}

/// Counted by the lab at the experiment's upstream.
pub(super) const CONNECTIONS: &str = "connections accepted";

impl Asked {
    fn requests(&self, variant: &Variant) -> Vec<lab::Request> {
        let controls = self.controls();
        match (self.asks, &self.experiment.plan) {
            (Some(asks), _) => asks(variant),
            (None, Plan::Count(count)) => (count.requests)(&controls),
            (None, Plan::Timeline(timeline)) => (timeline.requests)(&controls),
            // The first step is built from no answer.
            (None, Plan::Transcript(transcript)) => {
                transcript.steps.iter().take(1).map(|step| (step.request)(&[])).collect()
            }
        }
    }

    /// Whether the requests are sent beside each other.
    fn together(&self) -> bool {
        matches!(self.experiment.plan, Plan::Timeline(_))
    }

    #[expect(
        clippy::expect_used,
        reason = "the settings stand in this folder; the smoke run reads each of them"
    )]
    fn controls(&self) -> Controls {
        let controls = self.experiment.controls(self.controls.iter().copied());
        controls.expect("the settings are within the experiment's bounds")
    }

    /// What was asked for, for the run file.
    pub(super) fn settings(&self) -> Settings {
        self.controls().iter().map(|(name, value)| (name.replace('_', " "), value.to_string())).collect()
    }

    /// What each variant counts while it answers the requests once, on a fresh service.
    pub(super) fn counted(&self) -> Vec<(&'static str, Measure)> {
        let Some(name) = self.counts else { return Vec::new() };
        let count = |variant: &'static Variant| {
            let service = Service::start(self, variant);
            let before = service.probes.counter(name).total();
            service.runtime.block_on(answer(service.router.clone(), self.requests(variant), self.together()));
            let counted = service.probes.counter(name).total() - before;
            #[expect(clippy::cast_precision_loss, reason = "a handful of requests count far below 2^52")]
            let measure = Measure::one(name, Unit::Count, counted as f64);
            (variant.name, measure)
        };
        self.experiment.variants.iter().map(count).collect()
    }
}

/// Measures the baseline and all variants.
pub(super) fn measure(criterion: &mut Criterion, group: &Group) {
    let Compares::Answers(asked) = &group.compares else { return };
    let mut benchmarks = criterion.benchmark_group(group.name);
    // An iteration may take milliseconds: the same number of them in each sample, or the last samples would take most
    // of the time.
    benchmarks.sampling_mode(SamplingMode::Flat);
    let mut bench = |name: &str, service: &Service, variant: &'static Variant, app: Option<App>| {
        let requests = asked.requests(variant);
        benchmarks.bench_function(name, |bencher| {
            bencher.to_async(&service.runtime).iter(|| async {
                let router = match app {
                    Some(app) => app(service.probes.clone()).await,
                    None => service.router.clone(),
                };
                answer(router, requests.clone(), asked.together()).await;
            });
        });
    };
    if let Some(first) = asked.experiment.variants.first() {
        let nothing = Router::new().fallback(|| async {});
        let service = Service { router: nothing, ..Service::start(asked, first) };
        bench(DO_NOTHING, &service, first, None);
    }
    for variant in asked.experiment.variants {
        // A runtime of its own: threads that one variant has started must not serve the next.
        let app = asked.anew.then_some(variant.app);
        bench(variant.name, &Service::start(asked, variant), variant, app);
    }
    benchmarks.finish();
}

/// A variant, ready to be asked. Dropping it does not wait for its threads.
struct Service {
    router: Router,
    probes: Probes,
    runtime: Runtime,
    _upstream: Option<Server>,
}

impl Service {
    #[expect(clippy::expect_used, reason = "without threads and a free port there is nothing to measure")]
    fn start(asked: &Asked, variant: &'static Variant) -> Self {
        let controls = asked.controls();
        // The thread that measures is not one of its workers, but it does the work of requests that come in turn.
        let runtime = Builder::new_multi_thread().worker_threads(controls.workers()).enable_all().build();
        let runtime = runtime.expect("threads can be started");
        let mut probes = Probes::new(controls);
        let upstream = asked.experiment.upstream.map(|upstream| {
            let connections = Some(probes.counter(CONNECTIONS));
            let started = Server::start(upstream, probes.clone(), 1, connections, |router| router);
            runtime.block_on(started).expect("the upstream can be started")
        });
        if let Some(upstream) = &upstream {
            probes = probes.calling(upstream.address());
        }
        let router = runtime.block_on((variant.app)(probes.clone()));
        Self { router, probes, runtime, _upstream: upstream }
    }
}

/// Sends the requests and reads all answers.
async fn answer(router: Router, requests: Vec<lab::Request>, together: bool) {
    if together {
        let answers: Vec<_> =
            requests.into_iter().map(|ask| tokio::spawn(one(router.clone(), ask))).collect();
        for answer in answers {
            assert!(answer.await.is_ok(), "a request was not answered with 2xx");
        }
    } else {
        for ask in requests {
            one(router.clone(), ask).await;
        }
    }
}

/// A benchmark of refusals would look fast, so anything but 2xx ends it.
async fn one(router: Router, ask: lab::Request) {
    let request = Request::builder().method(ask.method.as_str()).uri(&ask.path);
    let request = match &ask.bearer {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    let request = match &ask.body {
        Some(body) => {
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
        }
        None => request.body(Body::empty()),
    };
    let Ok(request) = request else { panic!("{} {} is no request", ask.method, ask.path) };
    let answer = match router.oneshot(black_box(request)).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let status = answer.status();
    assert!(status.is_success(), "{} {} was answered with {status}", ask.method, ask.path);
    let body = to_bytes(answer.into_body(), usize::MAX).await;
    assert!(body.is_ok_and(|body| black_box(body).len() < usize::MAX), "the answer broke off");
}
