//! The log lines of a test.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, Once},
};

use tracing_subscriber::fmt::MakeWriter;

/// Starts logging for the whole process, before the first line: a subscriber that comes later, for one thread, loses the
/// lines of every place in the code that another thread has reached before.
pub(super) fn listen() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(ToLog)
            .init();
    });
}

/// The lines of threads that keep no log of their own: the pool that hashes passwords, and the other tests.
static UNCLAIMED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

thread_local! {
    /// Where the lines of this thread go; to the unclaimed ones, if nobody asked for them.
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Log lines, kept in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Keeps the lines of this thread from now on.
    pub(super) fn of_this_thread() -> Self {
        let log = Self::default();
        LOG.replace(Some(log.clone()));
        log
    }

    /// The lines of this thread.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of this thread and the unclaimed ones: a password is hashed on a thread of the pool, which may log as well.
    pub(crate) fn text_of_all_threads(&self) -> String {
        self.text() + &String::from_utf8(UNCLAIMED.lock().unwrap().clone()).unwrap()
    }
}

/// Writes to the log of the current thread.
#[derive(Clone, Copy)]
struct ToLog;

impl MakeWriter<'_> for ToLog {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl io::Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow(|log| {
            let lines = log.as_ref().map_or(&UNCLAIMED, |log| &log.0);
            lines.lock().unwrap().extend_from_slice(bytes);
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
