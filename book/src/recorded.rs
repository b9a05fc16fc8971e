//! Recorded reports: what a lab shows where nobody can run it.

use std::{fs, io::Write as _, path::Path};

use lab::{Experiment, Lesson, Report, Run};
use record::Machine;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::format_description};

use crate::Library;

/// One run of each variant of an experiment, with what is needed to judge its times.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recording {
    /// The day, as `2026-11-24`.
    pub recorded_at: String,
    /// What it ran on.
    pub machine: Machine,
    /// The reports, in the order of the variants.
    pub reports: Vec<Report>,
}

impl Recording {
    /// Runs each variant once, with the controls as they are by default.
    #[expect(clippy::disallowed_methods, reason = "a recording bears the date on which it was made")]
    fn make(lesson: &'static Lesson, experiment: &'static Experiment) -> Result<Self, String> {
        let mut reports = Vec::new();
        for variant in experiment.variants {
            let controls = experiment.controls([]).map_err(|error| error.to_string())?;
            reports.push(Run::of(lesson, experiment, *variant, controls).report());
        }
        let today = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"));
        let recorded_at = today.map_err(|error| error.to_string())?;
        Ok(Self { recorded_at, machine: Machine::current(), reports })
    }

    /// Reads the recording of an experiment and makes sure that it still fits.
    ///
    /// # Errors
    /// If it is missing, damaged, or lacks a variant; the text names the command that records it anew.
    pub fn read(library: &Library, lesson: &Lesson, experiment: &Experiment) -> Result<Self, String> {
        let path = library.recorded(lesson.number, experiment.slug);
        let shown = library.shown(&path).display();
        let again = format!("`cargo study record-labs {:02}` writes it.", lesson.number);
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{shown} cannot be read: {error}; {again}"))?;
        let recording: Self =
            serde_json::from_str(&text).map_err(|error| format!("{shown} is damaged: {error}; {again}"))?;
        let recorded = recording.reports.iter().map(|report| report.variant.as_str());
        if !recorded.eq(experiment.variants.iter().map(|variant| variant.name)) {
            return Err(format!("{shown} does not hold the variants that the lesson has now; {again}"));
        }
        Ok(recording)
    }

    fn write(&self, path: &Path) -> Result<(), String> {
        let folder = path.parent().ok_or("a recording needs a folder")?;
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())? + "\n";
        // Written beside the old one and moved over it: a recording is never half written.
        let write = || {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.persist(path)?;
            std::io::Result::Ok(())
        };
        write().map_err(|error| format!("{} cannot be written: {error}.", path.display()))
    }
}

/// Records the labs of these lessons and says what it has written.
///
/// # Errors
/// If a file cannot be written.
pub fn record(library: &Library, lessons: &[&'static Lesson]) -> Result<(), String> {
    for lesson in lessons {
        for experiment in lesson.experiments {
            let recording = Recording::make(lesson, experiment)?;
            let path = library.recorded(lesson.number, experiment.slug);
            recording.write(&path)?;
            println!("study: wrote {}", library.shown(&path).display());
        }
    }
    Ok(())
}
