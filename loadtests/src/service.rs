//! The service under load, in a process of its own: what it costs must not be taken from the users' share.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
};

use axum::{Router, routing::get};
use clap::Args;
use lab::{Probes, Server, Variant};
use tokio::runtime::Builder;

use crate::{Settings, scenario, scenario::Scenario};

/// An endpoint beside the lesson's own that only says "ok". Nothing in the variant touches it.
pub(crate) const HEARTBEAT: &str = "/heartbeat";

/// What to serve, as the parent says it to the child.
#[derive(Args)]
pub(crate) struct Serve {
    #[arg(long)]
    lesson: String,
    #[arg(long)]
    variant: String,
    #[arg(long)]
    workers: u16,
}

/// A running service. Dropping it ends its process.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    /// The child ends when this pipe closes. So it also ends when this process is killed and cannot clean up.
    _alive: Option<ChildStdin>,
    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub(crate) url: String,
}

impl Service {
    /// Starts this very program again as the service.
    ///
    /// # Errors
    /// If the process cannot be started or ends before it listens.
    pub(crate) fn start(scenario: &Scenario, variant: &Variant, settings: Settings) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
        let (lesson, _) = scenario.subject();
        let mut command = Command::new(program);
        command
            .args(["serve", "--lesson", lesson.slug, "--variant", variant.name])
            .args(["--workers", &settings.workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // Ctrl-C reaches the users first: they stop asking while there is still somebody to answer.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child =
            command.spawn().map_err(|error| format!("the service could not be started: {error}"))?;
        let alive = child.stdin.take();
        let stdout = child.stdout.take();
        let mut service = Self { child, _alive: alive, url: String::new() };
        if let Some(stdout) = stdout {
            // An end of file is no error: the child has then said on stderr why it could not listen.
            BufReader::new(stdout)
                .read_line(&mut service.url)
                .map_err(|error| format!("the service's address could not be read: {error}"))?;
        }
        service.url.truncate(service.url.trim_end().len());
        if service.url.is_empty() {
            return Err(format!("{} could not be served; nothing was measured.", variant.name));
        }
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves one variant on a free port of 127.0.0.1, says where, and returns when stdin closes.
///
/// # Errors
/// If the variant does not exist or cannot be served.
pub(crate) fn serve(serve: &Serve) -> Result<(), String> {
    let scenario = scenario::find(&serve.lesson)?;
    let (_, experiment) = scenario.subject();
    let variant = experiment
        .variant(&serve.variant)
        .ok_or_else(|| format!("there is no variant {}.", serve.variant))?;
    let controls =
        experiment.controls([("hold_ms", scenario.hold_ms.into())]).map_err(|error| error.to_string())?;

    let runtime = Builder::new_current_thread().build().map_err(|error| format!("no runtime: {error}"))?;
    let wrap = |router: Router| router.route(HEARTBEAT, get(|| async { "ok" }));
    let workers = usize::from(serve.workers.max(1));
    let server = runtime
        .block_on(Server::start(variant.app, Probes::new(controls), workers, None, wrap))
        .map_err(|error| format!("{}: {error}", variant.name))?;
    writeln!(io::stdout(), "http://{}", server.address())
        .map_err(|error| format!("nobody reads the address: {error}"))?;

    // The parent never writes. An error means the same as the end: it is gone.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    Ok(())
}
