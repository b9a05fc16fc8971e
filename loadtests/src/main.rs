//! The door `cargo load`: a lesson's wrong and right ways under load, over real sockets.
//!
//! Read next: `measure.rs` (what is done with each variant), then `attack.rs` (goose) and `heartbeat.rs`.

mod attack;
mod heartbeat;
mod measure;
mod progress;
mod record;
mod scenario;
mod service;
mod table;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use measure::Stopped;

/// Loads each way of a lesson in turn, wrong ones first, and says what the users and their neighbours felt.
///
/// The users form a closed loop: each waits for its answer before it asks again. Where a service stalls they ask less, so
/// the wrong way's p99 is flattered (coordinated omission). The heartbeat beside them is sent on time, whatever the last
/// one is doing. Load and service share this machine's cores: compare the variants of one run, not numbers of two machines.
#[derive(Parser)]
#[command(name = "load", bin_name = "cargo load", args_conflicts_with_subcommands = true)]
struct Door {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// The lesson, by number or name; without it, the lessons that have a load test are listed
    lesson: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Write the figures as a run file, such as benches/runs/2026-01-31-my-laptop.json
    ///
    /// For figures worth keeping, use an optimised build, which shares its dependencies with `cargo bench`:
    /// `cargo run --profile bench --bin load -- 18 --save FILE`
    #[arg(long, value_name = "FILE", requires = "lesson")]
    save: Option<PathBuf>,
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
}

#[derive(Subcommand)]
enum Inner {
    /// Serves one variant until stdin closes. This is how the door starts the service in a process of its own.
    #[command(hide = true)]
    Serve(service::Serve),
}

fn main() -> ExitCode {
    let door = Door::parse();
    match door.inner {
        Some(Inner::Serve(serve)) => said(service::serve(&serve), 1),
        None => match door.lesson {
            None => {
                print!("{}", scenario::list());
                ExitCode::SUCCESS
            }
            Some(lesson) => load(&lesson, door.settings, door.save),
        },
    }
}

fn load(lesson: &str, settings: Settings, save: Option<PathBuf>) -> ExitCode {
    let ready = scenario::find(lesson).and_then(|scenario| {
        save.as_deref().map_or(Ok(()), record::may_be_written)?;
        Ok(scenario)
    });
    let scenario = match ready {
        Ok(scenario) => scenario,
        Err(error) => return said(Err(error), 2),
    };
    let load = match measure::measure(scenario, settings) {
        Ok(load) => load,
        // The status that shells give for SIGINT.
        Err(Stopped::Interrupted) => return said(Err("stopped; nothing was saved.".to_owned()), 130),
        Err(Stopped::Failed(error)) => return said(Err(error), 1),
    };
    print!("{}", table::of(&load));
    let saved = load.is_sound().and_then(|()| {
        let Some(file) = save else { return Ok(()) };
        record::write(&file, load)?;
        println!("\nwritten to {}", file.display());
        Ok(())
    });
    said(saved, 1)
}

fn said(outcome: Result<(), String>, code: u8) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::from(code)
        }
    }
}
