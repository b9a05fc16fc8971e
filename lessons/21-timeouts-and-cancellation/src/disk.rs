//! A disk to which a job writes rows, synchronously. It takes a row when the operators let it.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Json, Router, routing::post};
use lab::Counter;
use tokio::sync::Notify;

/// How long a write waits for its turn before it goes on all the same. No experiment gets there; it keeps a thread from
/// waiting for a run that has ended.
const PATIENCE: Duration = Duration::from_secs(3);

/// The disk. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rows: Mutex<Rows>,
    allowed: Condvar,
    changed: Notify,
    written: Counter,
}

#[derive(Debug, Default)]
struct Rows {
    allowed: u64,
    written: u64,
    jobs: u64,
}

impl Disk {
    /// A disk that counts the rows it has taken.
    pub(crate) fn new(written: Counter) -> Self {
        Self(Arc::new(Shared {
            rows: Mutex::default(),
            allowed: Condvar::new(),
            changed: Notify::new(),
            written,
        }))
    }

    /// A job that writes to this disk, until it is dropped.
    pub fn job(&self) -> Job {
        self.rows().jobs += 1;
        Job(self.clone())
    }

    /// `POST /disk/takes-three`: lets three rows through, waits until they are written or nobody is there to write them,
    /// and answers how many were written.
    pub(crate) fn desk(&self) -> Router {
        let disk = self.clone();
        Router::new().route("/disk/takes-three", post(move || async move { Json(disk.takes(3).await) }))
    }

    async fn takes(&self, rows: u64) -> u64 {
        self.rows().allowed = rows;
        self.0.allowed.notify_all();
        loop {
            // Made before the look: from here on no change is missed.
            let changed = self.0.changed.notified();
            let done = {
                let seen = self.rows();
                (seen.jobs == 0 || seen.written == rows).then_some(seen.written)
            };
            if let Some(written) = done {
                return written;
            }
            changed.await;
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Plain numbers: whole also after a panic.
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job at the disk.
#[derive(Debug)]
pub struct Job(Disk);

impl Job {
    /// Writes a row. The calling thread waits until the disk has taken it.
    pub fn write_row_blocking(&self) {
        let Disk(shared) = &self.0;
        let waited =
            shared.allowed.wait_timeout_while(self.0.rows(), PATIENCE, |rows| rows.written >= rows.allowed);
        let (mut rows, _) = waited.unwrap_or_else(PoisonError::into_inner);
        rows.written += 1;
        shared.written.add_one();
        shared.changed.notify_waiters();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.0.rows().jobs -= 1;
        self.0.0.changed.notify_waiters();
    }
}
