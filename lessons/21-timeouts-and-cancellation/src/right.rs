//! What holds: one deadline a request, steps that happen together, reads that lose nothing, jobs that look up.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use tokio::{
    io::AsyncReadExt,
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::timeout::TimeoutLayer;

use crate::{Account, DEADLINE, Disk, Failed, Feed, Frame, Office, PATIENCE, Prices, Transfer};

/// The net under everything: whatever a handler waits for, the request ends.
pub fn layer(prices: Prices) -> Router {
    // ANCHOR: layer
    async fn quote(State(prices): State<Prices>) -> Json<u64> {
        Json(prices.price().await)
    }

    // The layer drops the handler's future where it stands and answers in its place.
    let deadline = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, DEADLINE);
    Router::new().route("/quote", get(quote)).layer(deadline).with_state(prices)
    // ANCHOR_END: layer
}

/// One deadline, handed to every try.
pub fn deadline(prices: Prices) -> Router {
    // ANCHOR: deadline
    async fn quote(State(prices): State<Prices>) -> Result<Json<u64>, StatusCode> {
        // A point in time, not a length: what one try has used up is not there for the next.
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Ok(price) = timeout_at(deadline, prices.price()).await {
                return Ok(Json(price));
            }
        }
        Err(StatusCode::GATEWAY_TIMEOUT)
    }

    Router::new().route("/quote", get(quote)).with_state(prices)
    // ANCHOR_END: deadline
}

/// The steps are collected and made in one, at the commit.
pub fn transaction(office: Office) -> Router {
    // ANCHOR: transaction
    async fn transfer(
        State(Office { bank, auditor }): State<Office>,
        Json(Transfer { amount }): Json<Transfer>,
    ) -> Result<Json<u64>, Failed> {
        // The slow stranger first: nothing has been begun while we wait for him.
        auditor.agrees().await?;
        let mut transaction = bank.begin();
        transaction.debit(Account::Ada, amount).await?;
        transaction.credit(Account::Bob, amount).await;
        // Dropped before this line nothing has happened, dropped after it everything has.
        transaction.commit().await?;
        Ok(Json(amount))
    }

    Router::new().route("/transfers", post(transfer)).with_state(office)
    // ANCHOR_END: transaction
}

/// Where there is no common transaction: a task that belongs to the service and not to the request.
pub fn own_task(office: Office) -> Router {
    // ANCHOR: own_task
    async fn transfer(
        State((Office { bank, auditor }, tasks)): State<(Office, TaskTracker)>,
        Json(Transfer { amount }): Json<Transfer>,
    ) -> Result<Json<u64>, Failed> {
        // The tracker lets a shutdown wait for this task. What it does not survive is a crash: for that it takes a
        // transaction, or a record of the first step that somebody finds again (lesson 05).
        let moved = tasks.spawn(async move {
            bank.debit(Account::Ada, amount).await?;
            // A limit of its own: nobody is left who could drop this task.
            let agreed = timeout(PATIENCE, auditor.agrees()).await.unwrap_or(Err(Failed::Silent));
            if let Err(refused) = agreed {
                bank.credit(Account::Ada, amount).await;
                return Err(refused);
            }
            bank.credit(Account::Bob, amount).await;
            Ok(Json(amount))
        });
        // Dropping the handler drops this handle, and the task goes on: here that is on purpose.
        moved.await.unwrap_or(Err(Failed::Fault))
    }

    Router::new().route("/transfers", post(transfer)).with_state((office, TaskTracker::new()))
    // ANCHOR_END: own_task
}

// ANCHOR: read_buf
/// Reads frames until the device is unplugged. What has been read is kept outside of the future that may be dropped.
pub async fn read_buf_in_select(mut feed: Feed) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut unread = Vec::new();
    loop {
        tokio::select! {
            // `read_buf` either has put bytes into the buffer or has read none. There is no third case.
            read = feed.input.read_buf(&mut unread) => {
                if !read.is_ok_and(|bytes| bytes > 0) {
                    return frames;
                }
                let (whole, rest) = unread.as_chunks();
                frames.extend_from_slice(whole);
                unread = rest.to_vec();
            }
            Some(()) = feed.ticks.recv() => {}
        }
    }
}
// ANCHOR_END: read_buf

// ANCHOR: reader_task
/// Reads frames in a task that nobody drops, and selects on a channel, whose `recv` loses nothing.
pub async fn reader_task(mut feed: Feed) -> Vec<Frame> {
    let (sender, mut receiver) = mpsc::channel(8);
    let mut input = feed.input;
    tokio::spawn(async move {
        let mut frame = Frame::default();
        while input.read_exact(&mut frame).await.is_ok() && sender.send(frame).await.is_ok() {}
    });
    let mut frames = Vec::new();
    loop {
        tokio::select! {
            received = receiver.recv() => match received {
                Some(frame) => frames.push(frame),
                None => return frames,
            },
            Some(()) = feed.ticks.recv() => {}
        }
    }
}
// ANCHOR_END: reader_task

/// The same job, which asks before each row whether anybody still waits for it.
pub fn job_that_looks_up(disk: Disk) -> Router {
    // ANCHOR: job_that_looks_up
    async fn export(State(disk): State<Disk>) -> StatusCode {
        let job = disk.job();
        let cancelled = CancellationToken::new();
        // Lives in the handler's future. Whoever drops that drops the guard, and the guard cancels the token.
        let _guard = cancelled.clone().drop_guard();
        let written = tokio::task::spawn_blocking(move || {
            for _ in 0..1_000 {
                if cancelled.is_cancelled() {
                    return;
                }
                job.write_row_blocking();
            }
        });
        written.await.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::NO_CONTENT)
    }

    Router::new().route("/export", post(export)).with_state(disk)
    // ANCHOR_END: job_that_looks_up
}
