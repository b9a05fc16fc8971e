//! `cargo study`: serves the study site. Read next: `book/src/lib.rs`.

mod door;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match door::Study::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(says) => {
            eprintln!("study: {says}");
            ExitCode::FAILURE
        }
    }
}
