//! Where figures depend on the build, an optimised build measures.
//!
//! `cargo load 18` compares waits, which are the same in every build. Answers a second of a framework are not: an unoptimised
//! axum is ten times slower, and FastAPI's core is optimised Rust. So those doors build themselves again, once, with the
//! profile that `cargo bench` uses, and start that.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use crate::Stopped;

/// The root of the workspace that this program was built from.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Builds a program of this workspace in the way this one was built, and says where it is: beside this one.
///
/// # Errors
/// If cargo cannot build it; cargo has said why.
pub(crate) fn sibling(name: &str) -> Result<PathBuf, String> {
    let profile = if cfg!(debug_assertions) { "dev" } else { "bench" };
    let built = cargo(&["build", "--quiet", "--profile", profile, "--bin", name])?;
    if !built.success() {
        return Err(format!("{name} could not be built; nothing was measured."));
    }
    let this = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    Ok(this.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// In an optimised build, or where an unoptimised one will do, nothing. Otherwise builds an optimised one, lets it do all
/// that was asked of this one, and ends with its status.
///
/// # Errors
/// If cargo cannot build it.
pub(crate) fn instead_of_this(as_built: bool) -> Result<(), Stopped> {
    if !cfg!(debug_assertions) || as_built {
        return Ok(());
    }
    eprintln!("load: building an optimised program to measure with; the first time takes some minutes.");
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let mut all = vec!["run", "--quiet", "--profile", "bench", "--bin", "load", "--"];
    all.extend(arguments.iter().map(String::as_str));
    let status = cargo(&all)?;
    std::process::exit(status.code().unwrap_or(1));
}

fn cargo(arguments: &[&str]) -> Result<ExitStatus, String> {
    // Cargo tells the programs that it runs where it is.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root()).stdin(std::process::Stdio::null());
    command.status().map_err(|error| format!("cargo could not be started: {error}"))
}
