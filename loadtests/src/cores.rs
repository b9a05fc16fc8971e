//! Keeps server and client apart: each on cores of its own, where the system lets a program choose.
//!
//! On shared cores the client takes time from the server it measures, more so the faster the server is.

use std::process::{Child, Command};

/// How the cores were divided, for the run file.
pub(crate) fn divided() -> &'static str {
    if pair().is_some() { "server on core 1, clients on the others" } else { "shared by server and clients" }
}

/// Starts a server on the first core and leaves the others to this process.
///
/// A child runs where its parent's thread may run. So the thread takes the server's place for a moment.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn spawn_server(command: &mut Command) -> std::io::Result<Child> {
    let pair = pair();
    if let Some(pair) = &pair {
        pair.take_server_place();
    }
    let child = command.spawn();
    if let Some(pair) = &pair {
        pair.take_client_place();
    }
    child
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::OnceLock;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// A core for the server, and the rest.
    pub(super) struct Pair {
        server: CpuSet,
        client: CpuSet,
    }

    /// Found once: later this process is no longer allowed on all cores.
    static PAIR: OnceLock<Option<Pair>> = OnceLock::new();

    pub(super) fn pair() -> Option<&'static Pair> {
        PAIR.get_or_init(|| {
            let allowed = sched_getaffinity(None).ok()?;
            let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
            let (mut server, mut client) = (CpuSet::new(), CpuSet::new());
            server.set(cores.next()?);
            for core in cores {
                client.set(core);
            }
            (client.count() > 0).then_some(Pair { server, client })
        })
        .as_ref()
    }

    impl Pair {
        // An error leaves the thread where it was, which costs precision and nothing else.
        pub(super) fn take_server_place(&self) {
            let _ = sched_setaffinity(None, &self.server);
        }

        pub(super) fn take_client_place(&self) {
            let _ = sched_setaffinity(None, &self.client);
        }
    }
}

#[cfg(target_os = "linux")]
use linux::pair;

/// Where the system has no such call that is safe to use, all share all cores.
#[cfg(not(target_os = "linux"))]
fn pair() -> Option<&'static Shared> {
    None
}

#[cfg(not(target_os = "linux"))]
enum Shared {}

#[cfg(not(target_os = "linux"))]
impl Shared {
    fn take_server_place(&self) {
        match *self {}
    }

    fn take_client_place(&self) {
        match *self {}
    }
}
