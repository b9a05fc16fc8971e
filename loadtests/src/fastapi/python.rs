//! Python and a virtual environment under `target/`, with exactly the packages that `requirements.txt` names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use record::{Measure, Role, Row, Study, Unit};

use crate::{
    Stopped, optimised, progress,
    service::{Service, that_ends_with_this},
};

/// An environment that is ready.
pub(super) struct Python {
    program: PathBuf,
}

/// The oldest Python that `app.py` runs on.
const OLDEST: (u32, u32) = (3, 11);

/// Makes the environment, unless one with the same requirements is there already.
///
/// # Errors
/// If there is no Python that is new enough, or if its packages cannot be had; the text says what to do.
pub(super) fn environment() -> Result<Python, Stopped> {
    let requirements = folder().join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| format!("{} cannot be read: {error}", requirements.display()))?;
    let environment = optimised::root().join("target/fastapi");
    let bin = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let (program, mark) = (environment.join(bin), environment.join("requirements.txt"));
    if program.exists() && fs::read_to_string(&mark).is_ok_and(|made| made == wanted) {
        return Ok(Python { program });
    }
    let system = find().ok_or_else(|| {
        Stopped::Refused(format!(
            "there is no Python {}.{} or newer here, so FastAPI cannot be measured. Nothing else needs it.\n      Debian and \
             Ubuntu: `apt install python3 python3-venv`; macOS: `brew install python`; Windows: python.org.",
            OLDEST.0, OLDEST.1
        ))
    })?;
    progress::say("making a virtual environment in target/fastapi, once; needs a network");
    run(Command::new(system).args(["-m", "venv", "--clear"]).arg(&environment), "python -m venv").map_err(
        |error| {
            Stopped::Failed(format!(
                "{error}\n      On Debian and Ubuntu it needs `apt install python3-venv`."
            ))
        },
    )?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&program).args(pip).arg(&requirements), "pip install")?;
    // Last: an environment that was interrupted has no mark, and is made again.
    fs::write(&mark, wanted).map_err(|error| format!("{} cannot be written: {error}", mark.display()))?;
    Ok(Python { program })
}

fn folder() -> PathBuf {
    optimised::root().join("loadtests/fastapi")
}

fn find() -> Option<&'static str> {
    ["python3", "python", "py"].into_iter().find(|name| {
        let asked = Command::new(name)
            .args(["-c", "import sys; print(sys.version_info[0], sys.version_info[1])"])
            .stderr(Stdio::null())
            .output();
        asked.is_ok_and(|said| new_enough(&String::from_utf8_lossy(&said.stdout)))
    })
}

fn new_enough(said: &str) -> bool {
    let mut numbers = said.split_whitespace().map_while(|number| number.parse::<u32>().ok());
    matches!((numbers.next(), numbers.next()), (Some(major), Some(minor)) if (major, minor) >= OLDEST)
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{what} could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(format!("{what} failed: {last}"))
}

impl Python {
    /// Serves `app.py` under uvicorn, one worker, as fast as it goes: uvloop, httptools, no access log.
    pub(super) fn serve(&self, databases: &Path) -> Result<Service, String> {
        let mut command = that_ends_with_this(&self.program)?;
        let start = |port: u16| {
            command
                .args([
                    "-m",
                    "uvicorn",
                    "app:app",
                    "--host",
                    "127.0.0.1",
                    "--no-access-log",
                    "--log-level",
                    "warning",
                ])
                .args(["--port", &port.to_string()])
                .env("PEER_DATABASE", databases.join("peer.sqlite"))
                // It signs tokens of a service that lives for minutes on this machine alone.
                .env("PEER_SECRET", "for the length of this measurement only")
                .current_dir(folder());
            command
        };
        Service::on_a_port(start, "uvicorn")
    }

    /// How many connections httpx opens: counted by a script, equal on every machine.
    pub(super) fn connections(&self) -> Result<Study, String> {
        let script = folder().join("connections.py");
        let output = Command::new(&self.program).arg(script).output();
        let output = output.map_err(|error| format!("connections.py could not be started: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let counts: Vec<f64> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        let [shared, each] = counts.as_slice() else {
            return Err(format!("connections.py: {}", String::from_utf8_lossy(&output.stderr)));
        };
        let row = |name: &str, role, count: f64| Row {
            name: name.to_owned(),
            role,
            at: None,
            measures: vec![Measure::one("connections", Unit::Count, count)],
        };
        let mut study = super::study("connections", "Connections that httpx opens for 20 calls in turn");
        study.lesson = Some(3);
        study.settings.insert("calls".to_owned(), "20".to_owned());
        study.rows = vec![
            row("a client for each call", Role::Wrong, *each),
            row("one client for all", Role::Right, *shared),
        ];
        Ok(study)
    }
}

/// The versions that were measured, from the requirements.
pub(crate) fn versions() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("requirements.txt")).unwrap_or_default();
    let pins = text.lines().filter_map(|line| line.split(';').next()?.trim().split_once("=="));
    pins.map(|(name, version)| (format!("{name} (Python)"), version.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_counts_from_the_version_on_that_the_app_needs() {
        assert!(new_enough("3 11\n") && new_enough("3 14\n") && new_enough("4 0\n"));
        assert!(!new_enough("3 9\n") && !new_enough("2 7\n") && !new_enough("") && !new_enough("no python"));
    }

    #[test]
    fn the_versions_are_those_that_are_pinned() {
        let versions = versions();
        assert_eq!(versions["fastapi (Python)"], "0.165.0");
        assert_eq!(versions["uvloop (Python)"], "0.23.0");
    }
}
