//! The door `cargo exercise`.

use std::process::ExitCode;

use clap::Parser;
use exercises::Command;

/// Exercises for each lesson: you change a file, and the lesson's own experiment judges it.
#[derive(Parser)]
#[command(name = "cargo exercise", bin_name = "cargo exercise", disable_help_subcommand = true)]
#[command(after_help = "Without a word it says where you are and what to type next.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exercises::run(Arguments::parse().command).await
}
