//! What people write. Each of these answers rightly as long as everybody else is prompt and nobody hangs up.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use tokio::{io::AsyncReadExt, time::timeout};

use crate::{Account, DEADLINE, Disk, Failed, Feed, Frame, Office, Prices, Transfer};

/// A handler that trusts the other side to say something.
pub fn no_timeout(prices: Prices) -> Router {
    // ANCHOR: no_timeout
    async fn quote(State(prices): State<Prices>) -> Json<u64> {
        // Ends when the other side says so. Until then this request holds its connection, its memory, and its caller.
        Json(prices.price().await)
    }

    Router::new().route("/quote", get(quote)).with_state(prices)
    // ANCHOR_END: no_timeout
}

/// A handler with a timeout for each try and none for the request.
pub fn timeout_per_try(prices: Prices) -> Router {
    // ANCHOR: timeout_per_try
    async fn quote(State(prices): State<Prices>) -> Result<Json<u64>, StatusCode> {
        for _ in 0..3 {
            // Each try starts the clock again: the caller waits three times as long as anybody has written down.
            if let Ok(price) = timeout(DEADLINE, prices.price()).await {
                return Ok(Json(price));
            }
        }
        Err(StatusCode::GATEWAY_TIMEOUT)
    }

    Router::new().route("/quote", get(quote)).with_state(prices)
    // ANCHOR_END: timeout_per_try
}

/// A handler whose three steps are each committed by themselves.
pub fn step_by_step(office: Office) -> Router {
    // ANCHOR: step_by_step
    async fn transfer(
        State(Office { bank, auditor }): State<Office>,
        Json(Transfer { amount }): Json<Transfer>,
    ) -> Result<Json<u64>, Failed> {
        bank.debit(Account::Ada, amount).await?;
        // Who drops this future here drops the rest of the function. There is no error, and no line below runs.
        auditor.agrees().await?;
        bank.credit(Account::Bob, amount).await;
        Ok(Json(amount))
    }

    Router::new().route("/transfers", post(transfer)).with_state(office)
    // ANCHOR_END: step_by_step
}

/// The same handler after the first complaint.
pub fn give_back_on_error(office: Office) -> Router {
    // ANCHOR: give_back_on_error
    async fn transfer(
        State(Office { bank, auditor }): State<Office>,
        Json(Transfer { amount }): Json<Transfer>,
    ) -> Result<Json<u64>, Failed> {
        bank.debit(Account::Ada, amount).await?;
        if let Err(refused) = auditor.agrees().await {
            // Mends a refusal. A dropped future does not come here: it is not an error, it is the end.
            bank.credit(Account::Ada, amount).await;
            return Err(refused);
        }
        bank.credit(Account::Bob, amount).await;
        Ok(Json(amount))
    }

    Router::new().route("/transfers", post(transfer)).with_state(office)
    // ANCHOR_END: give_back_on_error
}

// ANCHOR: read_exact_in_select
/// Reads frames until the device is unplugged, and reports at each tick that it is alive.
pub async fn read_exact_in_select(mut feed: Feed) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        let mut frame = Frame::default();
        tokio::select! {
            // When the tick wins, this future is dropped, and the bytes that it had read are gone with it.
            read = feed.input.read_exact(&mut frame) => match read {
                Ok(_) => frames.push(frame),
                Err(_) => return frames,
            },
            Some(()) = feed.ticks.recv() => {}
        }
    }
}
// ANCHOR_END: read_exact_in_select

/// A handler that hands a long job to the blocking pool.
pub fn job_that_never_looks(disk: Disk) -> Router {
    // ANCHOR: job_that_never_looks
    async fn export(State(disk): State<Disk>) -> StatusCode {
        let job = disk.job();
        let written = tokio::task::spawn_blocking(move || {
            // A thread cannot be dropped. Whoever waits below may go away; this loop runs to its end.
            for _ in 0..1_000 {
                job.write_row_blocking();
            }
        });
        written.await.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::NO_CONTENT)
    }

    Router::new().route("/export", post(export)).with_state(disk)
    // ANCHOR_END: job_that_never_looks
}
