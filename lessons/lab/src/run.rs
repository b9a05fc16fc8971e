//! Runs one variant under one experiment. Every run is bounded, can be cancelled, and has a runtime of its own.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use crate::{
    Controls, Ended, Exchange, Experiment, Finding, Lane, Lesson, Observed, Plan, Probes, Reading, Report,
    Request, Server, Variant, Verdict,
    board::{Board, Watcher},
    gate::{Gate, Patience},
    probe::lock,
    send,
};

/// A run that takes longer is cut, and its report says so.
pub const RUN_LIMIT: Duration = Duration::from_secs(10);

/// A proof is right on a slow machine as well: only a run that hangs is cut.
const GATED_RUN_LIMIT: Duration = Duration::from_secs(60);

/// All runs that judge one answer take no longer together, so that an answer that hangs has its verdict before the
/// runner's own limit. A right answer takes a small part of it: the rest is for a machine that is busy with something else.
const JUDGED_RUNS_LIMIT: Duration = Duration::from_secs(12);

/// When this process began to judge. It judges one answer and ends.
static JUDGED_SINCE: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The counter of connections that the experiment's second service has accepted.
const CONNECTIONS: &str = "connections accepted";

/// What a watcher is told while a run goes on.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// A lane has changed; all of it is told.
    Lane(Lane),
    /// One more exchange of a transcript.
    Exchange(Exchange),
    /// The counters have changed; all of them are told.
    Counts(Vec<Reading>),
}

/// One run, still to be started.
pub struct Run {
    lesson: &'static Lesson,
    experiment: &'static Experiment,
    variant: Variant,
    controls: Controls,
    gated: bool,
    patience: Patience,
    limit: Option<Duration>,
    cancel: CancellationToken,
    watcher: Option<Watcher>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Run({} {} {})", self.lesson.number, self.experiment.slug, self.variant.name)
    }
}

impl Run {
    /// A run of a variant, which may be the lesson's own or a learner's. The controls come from [`Experiment::controls`].
    pub fn of(
        lesson: &'static Lesson,
        experiment: &'static Experiment,
        variant: Variant,
        controls: Controls,
    ) -> Self {
        let cancel = CancellationToken::new();
        Self {
            lesson,
            experiment,
            variant,
            controls,
            gated: false,
            patience: Patience::LONG,
            limit: None,
            cancel,
            watcher: None,
        }
    }

    /// Lets no clock decide what overlaps: see [`crate::Backend`]. For proofs and exercises; a picture wants plain time.
    /// Such a run is cut after a minute if nobody asks for less.
    #[must_use]
    pub fn gated(self) -> Self {
        Self { gated: true, ..self }
    }

    /// Cuts the run earlier than [`RUN_LIMIT`], or than it was to be cut so far.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit: Some(limit.min(self.limit.unwrap_or(RUN_LIMIT))), ..self }
    }

    /// One of several runs that judge an answer: it takes what the runs before it have left of twelve seconds, and at
    /// least one. Where it is gated, calls that wait for each other in vain give up soon.
    #[must_use]
    pub fn judged(self) -> Self {
        let left = JUDGED_RUNS_LIMIT.saturating_sub(JUDGED_SINCE.elapsed());
        Self { patience: Patience::SHORT, ..self.within(left.max(Duration::from_secs(1))) }
    }

    /// Cuts the run when the token is cancelled.
    #[must_use]
    pub fn cancelled_by(self, cancel: CancellationToken) -> Self {
        Self { cancel, ..self }
    }

    /// Tells the watcher what happens, as it happens. It is called on the threads of the run and must not block.
    #[must_use]
    pub fn watched_by(self, watcher: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self { watcher: Some(Arc::new(watcher)), ..self }
    }

    /// Runs it. Blocks the calling thread until it ends or is cut; the run itself happens on threads of its own.
    pub fn report(self) -> Report {
        // A thread of its own: the caller may be inside a runtime, where another one must not block.
        std::thread::scope(|scope| scope.spawn(|| self.conduct()).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn conduct(&self) -> Report {
        let requests = self.requests();
        // Requests that are sent in turn have no peers to wait for.
        let gate = (self.gated && !requests.is_empty()).then(|| Gate::new(requests.len(), self.patience));
        let board = Board::new(requests.len(), gate.clone(), self.watcher.clone());
        let mut probes = Probes::new(self.controls.clone()).gated_by(gate);
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                return self.sum_up(Ended::NotStarted(format!("no runtime: {error}")), &board, &probes);
            }
        };
        let limit = self.limit.unwrap_or(if self.gated { GATED_RUN_LIMIT } else { RUN_LIMIT });
        let ended = runtime.block_on(async {
            let run = async {
                let _upstream = match self.experiment.upstream {
                    Some(app) => {
                        let connections = probes.counter(CONNECTIONS);
                        let server = Server::start(app, probes.clone(), 1, Some(connections), |r| r).await?;
                        probes = probes.calling(server.address());
                        Some(server)
                    }
                    None => None,
                };
                let around = Arc::clone(&board);
                let workers = self.controls.workers();
                let wrap = move |router| around.around(router);
                let service = Server::start(self.variant.app, probes.clone(), workers, None, wrap).await?;
                send::all(self.experiment, &self.controls, requests, &service, &board, &probes).await
            };
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => Ended::Cancelled,
                () = tokio::time::sleep(limit) => Ended::TimeLimit(limit.as_secs()),
                outcome = run => outcome.map_or_else(Ended::NotStarted, |()| Ended::Whole),
            }
        });
        let report = self.sum_up(ended, &board, &probes);
        // Does not wait for a lookup or a file read that the client may have left on a thread.
        runtime.shutdown_background();
        report
    }

    fn requests(&self) -> Vec<Request> {
        match &self.experiment.plan {
            Plan::Timeline(timeline) => (timeline.requests)(&self.controls),
            Plan::Count(count) => (count.requests)(&self.controls),
            // Each request of a transcript is built from the answers before it.
            Plan::Transcript(_) => Vec::new(),
        }
    }

    fn sum_up(&self, ended: Ended, board: &Board, probes: &Probes) -> Report {
        let observed = match self.experiment.plan {
            Plan::Timeline(_) => Observed::Timeline {
                lanes: lock(&board.lanes).clone(),
                heartbeats: lock(&board.beats).clone(),
                most_in_flight: board.in_flight.most(),
                beats_meanwhile: board.beats_meanwhile.total(),
            },
            Plan::Transcript(_) => Observed::Transcript { exchanges: lock(&board.exchanges).clone() },
            Plan::Count(_) => {
                let sent = u64::try_from(lock(&board.lanes).len()).unwrap_or(u64::MAX);
                Observed::Count { sent, succeeded: board.succeeded.total() }
            }
        };
        let mut report = Report {
            lesson: self.lesson.number,
            experiment: self.experiment.slug.to_owned(),
            variant: self.variant.name.to_owned(),
            side: self.variant.side,
            controls: self.controls.clone(),
            ended,
            observed,
            gauges: probes.gauges(),
            counters: probes.counters(),
            verdict: Verdict { holds: true, findings: Vec::new() },
        };
        let findings = match ending(&report.ended) {
            Some(finding) if matches!(report.ended, Ended::NotStarted(_)) => vec![finding],
            finding => finding.into_iter().chain((self.experiment.judge)(&report)).collect(),
        };
        report.verdict = Verdict { holds: findings.iter().all(|finding| finding.holds), findings };
        report
    }
}

fn ending(ended: &Ended) -> Option<Finding> {
    let (seen, meaning) = match ended {
        Ended::Whole => return None,
        Ended::TimeLimit(seconds) => (
            format!("cut after {seconds} s"),
            "Some requests were never answered: something waits for ever, or loops without end.",
        ),
        Ended::Cancelled => ("cancelled".to_owned(), "The run was stopped from outside; run it again."),
        Ended::NotStarted(why) => (why.clone(), "The service could not be started, so nothing was sent."),
    };
    Some(Finding::new("the run", "end", seen, "every request answered", false, meaning))
}
