//! The door `cargo load`: wrong and right ways, FastAPI and the reference API under load, over real sockets.
//!
//! Read next: `lesson.rs` (a lesson's ways in turn), then `attack.rs` (goose, a closed loop), `closed.rs` and `open.rs`
//! (our own generators), `omission.rs` (why both are needed), `fastapi/` and `api/`.

mod api;
mod attack;
mod beside;
mod closed;
mod cores;
mod cross_check;
mod fastapi;
mod heartbeat;
mod lesson;
mod noise;
mod omission;
mod open;
mod optimised;
mod process;
mod progress;
mod scenario;
mod service;
mod twin;
mod wire;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use record::{Kind, Noise, RunFile, Study};

/// Loads services over real sockets and says what their users and their neighbours felt.
///
/// Without a subcommand it loads each way of a lesson in turn. The users form a closed loop: each waits for its answer
/// before it asks again. Where a service stalls they ask less, so the wrong way's p99 is flattered; `cargo load omission`
/// shows by how much. The heartbeat beside them is sent on time, whatever the last one is doing.
#[derive(Parser)]
#[command(name = "load", bin_name = "cargo load", args_conflicts_with_subcommands = true)]
struct Door {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// The lesson, by number or name; without it, what can be loaded is listed
    lesson: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    keep: Keep,
    /// Print the numbers of the lessons that have a load test, for `cargo record`
    #[arg(long, hide = true)]
    numbers: bool,
}

/// How hard, how long, and on how much.
#[derive(Args, Clone, Copy)]
struct Settings {
    /// Users that ask again as soon as they are answered, 1 to 200
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200))]
    users: u16,
    /// Seconds of load on each variant, 1 to 60
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=60))]
    seconds: u16,
    /// Worker threads of the service's runtime, 1 to 8
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=8))]
    workers: u16,
    /// Rounds, each with every variant in it, 1 to 20; from 5 on the table says faster, slower or can't tell
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20))]
    rounds: u16,
}

/// What is done with the figures.
#[derive(Args)]
struct Keep {
    /// Write the figures as a run file; `cargo record` does this for everything, optimised
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Inner {
    /// The guide's own system in FastAPI, ours beside it in the same run, and what bare hyper and bare SQLite reach
    Fastapi(fastapi::Ask),
    /// The reference API: users on their journeys, and where more load brings no more answers
    Api(api::Ask),
    /// Coordinated omission: one stalling service, measured by three clients that disagree
    Omission(omission::Ask),
    /// One service twice: what differs is noise, and no smaller difference means anything
    Noise(noise::Ask),
    /// Our generator beside wrk on one endpoint: whether a figure is the server's or the generator's
    Wrk(cross_check::Ask),
    /// Serves one variant until stdin closes. This is how the door starts a service in a process of its own.
    #[command(hide = true)]
    Serve(service::Serve),
    /// Becomes another program that ends when its parent does.
    #[command(hide = true)]
    Become(service::Become),
    /// Serves a counterpart of the FastAPI system until stdin closes.
    #[command(hide = true)]
    Twin(twin::Twin),
}

/// Why there is nothing to show.
#[derive(Debug)]
enum Stopped {
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// What was asked for cannot be had; nothing was measured.
    Refused(String),
    /// Something could not be started; the text says what.
    Failed(String),
}

impl From<String> for Stopped {
    fn from(error: String) -> Self {
        Self::Failed(error)
    }
}

fn main() -> ExitCode {
    let door = Door::parse();
    match door.inner {
        Some(Inner::Serve(serve)) => said(service::serve(&serve).map_err(Stopped::Failed)),
        Some(Inner::Become(ask)) => said(service::become_it(&ask).map_err(Stopped::Failed)),
        Some(Inner::Twin(twin)) => said(twin::serve(&twin).map_err(Stopped::Failed)),
        Some(Inner::Fastapi(ask)) => show(&ask.keep, || fastapi::measure(&ask)),
        Some(Inner::Api(ask)) => show(&ask.keep, || api::measure(&ask)),
        Some(Inner::Omission(ask)) => show(&ask.keep, || omission::measure(&ask)),
        Some(Inner::Noise(ask)) => show(&ask.keep, || noise::measure(&ask)),
        Some(Inner::Wrk(ask)) => show(&ask.keep, || cross_check::measure(&ask)),
        None => match door.lesson {
            None => {
                print!("{}", if door.numbers { scenario::numbers() } else { scenario::list() });
                ExitCode::SUCCESS
            }
            Some(lesson) => show(&door.keep, || lesson::measure(&lesson, door.settings)),
        },
    }
}

/// Measures, prints a table for each study, and keeps the figures where they are to be kept.
fn show(keep: &Keep, measure: impl FnOnce() -> Result<Vec<Study>, Stopped>) -> ExitCode {
    let outcome = (|| {
        keep.save.as_deref().map_or(Ok(()), record::may_be_written).map_err(Stopped::Refused)?;
        let studies = measure()?;
        let mut versions = record::locked_versions(&optimised::root());
        if studies.iter().any(|study| study.kind == Kind::FastApi) {
            versions.extend(fastapi::versions());
        }
        let mut run = RunFile::new(versions);
        run.studies = studies;
        let noise = Noise::of(&run);
        for (nth, study) in run.studies.iter().enumerate() {
            print!("{}{}", if nth == 0 { "" } else { "\n" }, record::table(study, noise));
        }
        if let Some(file) = &keep.save {
            run.write(file)?;
            println!("\nwritten to {}", file.display());
        }
        Ok(())
    })();
    said(outcome)
}

fn said(outcome: Result<(), Stopped>) -> ExitCode {
    let (text, code) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        // The status that shells give for SIGINT.
        Err(Stopped::Interrupted) => ("stopped; nothing was saved.".to_owned(), 130),
        Err(Stopped::Refused(text)) => (text, 2),
        Err(Stopped::Failed(text)) => (text, 1),
    };
    eprintln!("load: {text}");
    ExitCode::from(code)
}
