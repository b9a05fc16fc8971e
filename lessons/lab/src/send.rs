//! Sends the requests of a run, by kind of experiment.

use std::{sync::Arc, time::Duration, vec};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Beat, Controls, Event, Exchange, Experiment, Plan, Probes, Request, Server,
    board::{Board, HEARTBEAT},
    client::Connection,
    lesson::{Count, Transcript},
    probe::lock,
};

/// Heartbeats are sent this far apart, and never before the last one was answered.
const BETWEEN_BEATS: Duration = Duration::from_millis(10);

/// More heartbeats than this are not sent: it bounds the memory of a run.
const MOST_BEATS: usize = 500;

/// Sends what the experiment's plan asks for and writes what comes back on the board.
///
/// # Errors
/// If the service cannot be reached.
pub(crate) async fn all(
    experiment: &Experiment,
    controls: &Controls,
    requests: Vec<Request>,
    service: &Server,
    board: &Arc<Board>,
    probes: &Probes,
) -> Result<(), String> {
    match &experiment.plan {
        Plan::Timeline(_) => at_once(requests, service, board).await,
        Plan::Transcript(transcript) => in_turn(transcript, service, board).await,
        Plan::Count(count) => counted(count, controls, requests, service, board, probes).await,
    }
}

async fn counted(
    count: &Count,
    controls: &Controls,
    requests: Vec<Request>,
    service: &Server,
    board: &Arc<Board>,
    probes: &Probes,
) -> Result<(), String> {
    let requests = Arc::new(std::sync::Mutex::new(requests.into_iter()));
    let mut senders = JoinSet::new();
    for _ in 0..(count.at_once)(controls).max(1) {
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

async fn at_once(requests: Vec<Request>, service: &Server, board: &Arc<Board>) -> Result<(), String> {
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

async fn in_turn(transcript: &Transcript, service: &Server, board: &Arc<Board>) -> Result<(), String> {
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

fn next(requests: &std::sync::Mutex<vec::IntoIter<Request>>) -> Option<Request> {
    lock(requests).next()
}
