//! The run file: figures together with the machine, the build and the settings that they come from.

use std::{fs, io::Write as _, path::Path};

use lab::{Machine, Side};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The version of this shape. Readers refuse one that they do not know.
const SCHEMA: u8 = 1;

#[derive(Serialize)]
struct RunFile {
    schema: u8,
    recorded_at: String,
    profile: &'static str,
    machine: Machine,
    loads: Vec<Load>,
}

/// One load test. Times are milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) lesson: u8,
    pub(crate) experiment: String,
    pub(crate) title: String,
    pub(crate) settings: RunSettings,
    /// The same users on an endpoint that does nothing: more than this nobody can answer here.
    pub(crate) baseline: Figures,
    pub(crate) variants: Vec<Measured>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct RunSettings {
    pub(crate) users: u16,
    pub(crate) seconds: u16,
    pub(crate) workers: u16,
    pub(crate) hold_ms: u16,
}

/// One variant and its figures.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) variant: String,
    pub(crate) side: Side,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// What the users of one service felt, and what its neighbours did.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) failures: u64,
    pub(crate) heartbeat_p50_ms: f64,
    pub(crate) heartbeat_p99_ms: f64,
}

/// How this program was built. `cargo load` is unoptimised: the waits dominate its ratios, but not its limit.
pub(crate) const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "optimised" };

/// Looks before the measuring begins, which takes a while.
///
/// # Errors
/// If the file exists already or its folder does not; the text names the next step.
pub(crate) fn may_be_written(file: &Path) -> Result<(), String> {
    let shown = file.display();
    if file.exists() {
        return Err(format!("{shown} exists; a run file is never overwritten. Give --save another name."));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(format!("the folder of {shown} does not exist; create it, or give --save another name."));
    }
    Ok(())
}

/// Writes a new run file with one load test.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(file: &Path, load: Load) -> Result<(), String> {
    #[expect(clippy::disallowed_methods, reason = "a run file bears the time at which it was made")]
    let now = OffsetDateTime::now_utc();
    let recorded_at = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339);
    let run = RunFile {
        schema: SCHEMA,
        recorded_at: recorded_at.map_err(|error| format!("the time of day: {error}"))?,
        profile: PROFILE,
        machine: Machine::current(),
        loads: vec![load.rounded()],
    };
    let text = serde_json::to_string_pretty(&run).map_err(|error| error.to_string())?;
    let written = fs::File::create_new(file).and_then(|mut new| writeln!(new, "{text}"));
    written.map_err(|error| format!("{} could not be written: {error}", file.display()))
}

impl Load {
    /// A wrong way may drop requests, if that is its fault. The baseline and the right ways may not.
    ///
    /// # Errors
    /// If one did; the text says which, and that nothing is saved.
    pub(crate) fn is_sound(&self) -> Result<(), String> {
        let right = self.variants.iter().filter(|measured| measured.side == Side::Right);
        let right = right.map(|measured| (measured.variant.as_str(), &measured.figures));
        for (name, figures) in right.chain([("do-nothing", &self.baseline)]) {
            if figures.failures > 0 {
                let failures = figures.failures;
                return Err(format!(
                    "{failures} requests to {name} failed, so nothing is saved; take fewer --users."
                ));
            }
        }
        Ok(())
    }

    /// More digits than these are noise, and make two runs hard to compare by eye.
    fn rounded(mut self) -> Self {
        let variants = self.variants.iter_mut().map(|measured| &mut measured.figures);
        for figures in variants.chain([&mut self.baseline]) {
            let Figures {
                requests_per_second,
                p50_ms,
                p99_ms,
                failures: _,
                heartbeat_p50_ms,
                heartbeat_p99_ms,
            } = figures;
            *requests_per_second = (*requests_per_second * 10.0).round() / 10.0;
            for ms in [p50_ms, p99_ms, heartbeat_p50_ms, heartbeat_p99_ms] {
                *ms = (*ms * 1000.0).round() / 1000.0;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn load(failures: u64) -> Load {
        let figures = |failures| Figures {
            requests_per_second: 48.061_7,
            p50_ms: 412.123_456,
            p99_ms: 514.0,
            failures,
            heartbeat_p50_ms: 405.5,
            heartbeat_p99_ms: 693.9,
        };
        let measured = |variant: &str, side, failures| Measured {
            variant: variant.to_owned(),
            side,
            figures: figures(failures),
        };
        Load {
            lesson: 18,
            experiment: "ten-reports".to_owned(),
            title: "Ten reports at once".to_owned(),
            settings: RunSettings { users: 20, seconds: 5, workers: 1, hold_ms: 20 },
            baseline: figures(0),
            variants: vec![
                measured("sync-driver", Side::Wrong, 3),
                measured("async-driver", Side::Right, failures),
            ],
        }
    }

    #[test]
    fn a_run_file_holds_each_figure_under_its_own_name_without_needless_digits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        write(&file, load(0)).unwrap();

        let run: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(run["schema"], 1);
        assert!(OffsetDateTime::parse(run["recorded_at"].as_str().unwrap(), &Rfc3339).is_ok(), "{run}");
        assert_eq!(serde_json::from_value::<Machine>(run["machine"].clone()).unwrap(), Machine::current());
        assert_eq!(
            run["loads"][0]["variants"][0],
            json!({
                "variant": "sync-driver", "side": "wrong", "requests_per_second": 48.1, "p50_ms": 412.123,
                "p99_ms": 514.0, "failures": 3, "heartbeat_p50_ms": 405.5, "heartbeat_p99_ms": 693.9
            })
        );
    }

    #[test]
    fn a_run_file_is_never_overwritten() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(write(file.path(), load(0)).is_err());
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "");
    }

    #[test]
    fn a_wrong_way_may_drop_requests_and_a_right_way_may_not() {
        assert_eq!(load(0).is_sound(), Ok(()));
        let error = load(1).is_sound().unwrap_err();
        assert!(error.contains("async-driver"), "{error}");
    }
}
