//! Runs one variant under one experiment. Every run is bounded, can be cancelled, and has a runtime of its own.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{runtime::Builder, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Beat, Controls, Ended, Exchange, Experiment, Finding, Lane, Lesson, Observed, Plan, Probes, Reading,
    Report, Request, Server, Variant, Verdict,
    board::{Board, HEARTBEAT, Watcher},
    client::Connection,
    gate::Gate,
    lesson::{Count, Transcript},
    probe::lock,
};

/// A run that takes longer is cut, and its report says so.
pub const RUN_LIMIT: Duration = Duration::from_secs(10);

/// A proof is right on a slow machine as well: only a run that hangs is cut.
const GATED_RUN_LIMIT: Duration = Duration::from_secs(60);

/// The counter of connections that the experiment's second service has accepted.
const CONNECTIONS: &str = "connections accepted";

/// Heartbeats are sent this far apart, and never before the last one was answered.
const BETWEEN_BEATS: Duration = Duration::from_millis(10);

/// More heartbeats than this are not sent: it bounds the memory of a run.
const MOST_BEATS: usize = 500;

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
        Self { lesson, experiment, variant, controls, gated: false, limit: None, cancel, watcher: None }
    }

    /// Lets no clock decide what overlaps: see [`crate::Backend`]. For proofs and exercises; a picture wants plain time.
    /// Such a run is cut after a minute if nobody asks for less.
    #[must_use]
    pub fn gated(self) -> Self {
        Self { gated: true, ..self }
    }

    /// Cuts the run earlier than [`RUN_LIMIT`]: an exercise has several runs, and its reader waits for the verdict.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit: Some(limit.min(RUN_LIMIT)), ..self }
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
        let gate = (self.gated && !requests.is_empty()).then(|| Gate::new(requests.len()));
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
                        let server =
                            Server::start_with(app, probes.clone(), 1, Some(connections), |r| r).await?;
                        probes = probes.calling(server.address());
                        Some(server)
                    }
                    None => None,
                };
                let around = Arc::clone(&board);
                let workers = self.controls.workers();
                let wrap = move |router| around.around(router);
                let service =
                    Server::start_with(self.variant.app, probes.clone(), workers, None, wrap).await?;
                self.send(requests, &service, &board, &probes).await
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

    async fn send(
        &self,
        requests: Vec<Request>,
        service: &Server,
        board: &Arc<Board>,
        probes: &Probes,
    ) -> Result<(), String> {
        match &self.experiment.plan {
            Plan::Timeline(_) => send_at_once(requests, service, board).await,
            Plan::Transcript(transcript) => send_in_turn(transcript, service, board).await,
            Plan::Count(count) => self.send_counted(count, requests, service, board, probes).await,
        }
    }

    async fn send_counted(
        &self,
        count: &Count,
        requests: Vec<Request>,
        service: &Server,
        board: &Arc<Board>,
        probes: &Probes,
    ) -> Result<(), String> {
        let requests = Arc::new(std::sync::Mutex::new(requests.into_iter()));
        let mut senders = JoinSet::new();
        for _ in 0..(count.at_once)(&self.controls).max(1) {
            let mut connection = Connection::open(service.address()).await?;
            let (requests, board, probes) = (Arc::clone(&requests), Arc::clone(board), probes.clone());
            senders.spawn(async move {
                while let Some(request) = next(&requests) {
                    if connection.send(&request, None).await.is_ok_and(|a| (200..300).contains(&a.status)) {
                        board.succeeded.add_one();
                    }
                    board.tell(|| Event::Counts(probes.counters()));
                }
            });
        }
        senders.join_all().await;
        Ok(())
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

async fn send_at_once(requests: Vec<Request>, service: &Server, board: &Arc<Board>) -> Result<(), String> {
    // All connections are open before the first request is sent: nobody queues for a handshake.
    let mut connections = Vec::with_capacity(requests.len());
    for request in requests {
        connections.push((request, Connection::open(service.address()).await?));
    }
    let mut pulse = Connection::open(service.address()).await?;

    let mut lanes = JoinSet::new();
    for (id, (request, mut connection)) in connections.into_iter().enumerate() {
        let board = Arc::clone(board);
        lanes.spawn(async move {
            board.lane(id, |lane, now| lane.sent_us = Some(now));
            let answer = connection.send(&request, Some(id)).await;
            board.lane(id, |lane, now| match answer {
                Ok(answer) => (lane.answered_us, lane.status) = (Some(now), Some(answer.status)),
                Err(error) => lane.error = Some(error),
            });
        });
    }
    let all_answered = CancellationToken::new();
    let heartbeats = async {
        // One more than needed is better than one cut off: an unanswered heartbeat is waited for.
        while !all_answered.is_cancelled() && lock(&board.beats).len() < MOST_BEATS {
            let sent_us = board.now_us();
            let answered = pulse.send(&Request::get(HEARTBEAT), None).await.is_ok();
            let answered_us = answered.then(|| board.now_us());
            lock(&board.beats).push(Beat { sent_us, answered_us });
            if !answered {
                break;
            }
            tokio::select! {
                () = all_answered.cancelled() => {}
                () = tokio::time::sleep(BETWEEN_BEATS) => {}
            }
        }
    };
    let answers = async {
        // A lane that panics is a fault of the lab; its lane then shows no answer.
        while lanes.join_next().await.is_some() {}
        all_answered.cancel();
    };
    tokio::join!(answers, heartbeats);
    Ok(())
}

async fn send_in_turn(transcript: &Transcript, service: &Server, board: &Arc<Board>) -> Result<(), String> {
    let mut connection = Connection::open(service.address()).await?;
    for step in transcript.steps {
        if connection.is_closed() {
            connection = Connection::open(service.address()).await?;
        }
        let request = (step.request)(&lock(&board.exchanges));
        let answer = connection.send(&request, None).await;
        let says = step.says.to_owned();
        board.exchange(match answer {
            Ok(answer) => Exchange {
                says,
                request,
                status: Some(answer.status),
                headers: answer.headers,
                body: answer.body,
            },
            Err(error) => Exchange { says, request, status: None, headers: Vec::new(), body: error.into() },
        });
    }
    Ok(())
}

fn next(requests: &std::sync::Mutex<std::vec::IntoIter<Request>>) -> Option<Request> {
    lock(requests).next()
}
