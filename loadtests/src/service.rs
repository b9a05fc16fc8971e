//! The service under load, in a process of its own: what it costs must not be taken from the users' share.

use std::{
    ffi::OsString,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use clap::Args;
use lab::{Probes, Server, Variant};
use tokio::runtime::Builder;

use crate::{cores, scenario, scenario::Scenario};

/// An endpoint beside the lesson's own that only says "ok". Nothing in the variant touches it.
pub(crate) const HEARTBEAT: &str = "/heartbeat";

/// A server that has not answered by then will not: Python and its libraries need a second or two.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// What to serve, as the parent says it to the child.
#[derive(Args)]
pub(crate) struct Serve {
    #[arg(long)]
    scenario: String,
    #[arg(long)]
    variant: String,
    #[arg(long)]
    workers: u16,
}

/// A command for a program that knows nothing of its parent, and ends all the same when this process is killed.
///
/// On Linux this very program is started first: it asks the kernel to end it with its parent, and then becomes the other
/// program, which the wish survives. Elsewhere the program outlives a parent that is killed; one that ends by itself
/// ends its services.
pub(crate) fn that_ends_with_this(program: &Path) -> Result<Command, String> {
    if cfg!(target_os = "linux") {
        let this = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
        let mut command = Command::new(this);
        command.arg("become").arg("--parent").arg(std::process::id().to_string()).arg(program);
        Ok(command)
    } else {
        Ok(Command::new(program))
    }
}

/// What to become, as the parent says it to the child.
#[derive(Args)]
pub(crate) struct Become {
    #[arg(long)]
    parent: i32,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

/// Becomes the program, which the kernel then ends together with the parent.
///
/// # Errors
/// If the parent is gone already, or the program cannot be started. It does not return otherwise.
#[cfg(target_os = "linux")]
pub(crate) fn become_it(ask: &Become) -> Result<(), String> {
    use std::os::unix::process::CommandExt as _;

    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    // The parent may have gone before the kernel was asked; then nobody would end this.
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != ask.parent) {
        return Err("the parent is gone.".to_owned());
    }
    let Some((program, arguments)) = ask.command.split_first() else {
        return Err("there is nothing to become.".to_owned());
    };
    Err(Command::new(program).args(arguments).exec().to_string())
}

/// Only Linux has it; see [`that_ends_with_this`].
#[cfg(not(target_os = "linux"))]
pub(crate) fn become_it(ask: &Become) -> Result<(), String> {
    Err(format!("{:?} is started without this on this system (parent {}).", ask.command, ask.parent))
}

/// A running service. Dropping it ends its process.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    /// The child ends when this pipe closes. So it also ends when this process is killed and cannot clean up.
    _alive: Option<ChildStdin>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Service {
    /// Starts this very program again as the service of a lesson.
    ///
    /// # Errors
    /// If the process cannot be started or ends before it listens.
    pub(crate) fn of_lesson(scenario: &Scenario, variant: &Variant, workers: u16) -> Result<Self, String> {
        Self::of_this_program(&[
            "serve",
            "--scenario",
            &scenario.id(),
            "--variant",
            variant.name,
            "--workers",
            &workers.to_string(),
        ])
    }

    /// Starts this very program again, as what these arguments say. It prints its address on its first line.
    ///
    /// # Errors
    /// If the process cannot be started or ends before it listens.
    pub(crate) fn of_this_program(arguments: &[&str]) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        // Ctrl-C reaches the users first: they stop asking while there is still somebody to answer.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Self::that_says_where(command, &arguments.join(" "))
    }

    /// Starts a program that prints a line with its address, such as `listening on http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// If it cannot be started or ends before it listens. It has then said on stderr why.
    pub(crate) fn that_says_where(mut command: Command, what: &str) -> Result<Self, String> {
        command.stdout(Stdio::piped());
        let mut child = cores::spawn_server(&mut command)
            .map_err(|error| format!("{what} could not be started: {error}"))?;
        let alive = child.stdin.take();
        let mut said = BufReader::new(child.stdout.take().ok_or("a child without an output")?);
        let mut service = Self { child, _alive: alive, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        loop {
            let mut line = String::new();
            let read =
                said.read_line(&mut line).map_err(|error| format!("{what} cannot be read: {error}"))?;
            if read == 0 {
                return Err(format!("{what} ended before it listened; nothing was measured."));
            }
            if let Some(address) = address_in(&line) {
                service.address = address;
                // Whatever else it prints must not fill the pipe and stop it.
                std::thread::spawn(move || io::copy(&mut said, &mut io::sink()));
                return Ok(service);
            }
        }
    }

    /// Starts a program that is told its port, and waits until it accepts a connection there.
    ///
    /// # Errors
    /// If it cannot be started, ends, or does not listen in time.
    pub(crate) fn on_a_port(command: impl FnOnce(u16) -> Command, what: &str) -> Result<Self, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let mut command = command(address.port());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = cores::spawn_server(&mut command)
            .map_err(|error| format!("{what} could not be started: {error}"))?;
        let mut service = Self { child, _alive: None, address };
        let until = Instant::now() + STARTS_WITHIN;
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = service.child.try_wait() {
                return Err(format!("{what} ended before it listened ({status}); nothing was measured."));
            }
            if Instant::now() > until {
                return Err(format!("{what} does not listen after {} s.", STARTS_WITHIN.as_secs()));
            }
            #[expect(clippy::disallowed_methods, reason = "a foreign program does not say when it listens")]
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(service)
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its address as a base for paths.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    rest.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'))).next()?.parse().ok()
}

/// Serves one variant on a free port of 127.0.0.1, says where, and returns when stdin closes.
///
/// # Errors
/// If the variant does not exist or cannot be served.
pub(crate) fn serve(serve: &Serve) -> Result<(), String> {
    let scenario = scenario::named(&serve.scenario)?;
    let (_, experiment) = scenario.subject();
    let variant = experiment
        .variant(&serve.variant)
        .ok_or_else(|| format!("there is no variant {}.", serve.variant))?;
    let runtime = Builder::new_current_thread().build().map_err(|error| format!("no runtime: {error}"))?;
    let wrap = |router: Router| router.route(HEARTBEAT, get(|| async { "ok" }));
    let workers = usize::from(serve.workers.max(1));
    let mut probes = Probes::new(scenario.controls());
    // In the same process: it has to end with the service, and what it costs is the same for all variants.
    let start =
        |upstream| runtime.block_on(Server::start(upstream, probes.clone(), 1, None, |router| router));
    let upstream = experiment.upstream.map(start).transpose();
    let upstream = upstream.map_err(|error| format!("the service behind {}: {error}", variant.name))?;
    if let Some(upstream) = &upstream {
        probes = probes.calling(upstream.address());
    }
    let server = runtime
        .block_on(Server::start(variant.app, probes, workers, None, wrap))
        .map_err(|error| format!("{}: {error}", variant.name))?;
    until_stdin_closes(server.address())
}

/// Says where something listens, and returns when the parent is gone.
///
/// # Errors
/// If nobody reads the address.
pub(crate) fn until_stdin_closes(address: SocketAddr) -> Result<(), String> {
    writeln!(io::stdout(), "http://{address}")
        .map_err(|error| format!("nobody reads the address: {error}"))?;
    // The parent never writes. An error means the same as the end: it is gone.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_whatever_stands_around_it() {
        let found = address_in("The API listens on http://127.0.0.1:8080; its documentation is on …\n");
        assert_eq!(found, Some(SocketAddr::from(([127, 0, 0, 1], 8080))));
        assert_eq!(address_in("http://127.0.0.1:40123\n").map(|address| address.port()), Some(40123));
        assert_eq!(address_in("INFO starting\n"), None);
    }
}
