//! The shape of a run file, and how it is read, written and merged.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{Machine, statistics::rounded};

/// The version of this shape. Readers refuse one that they do not know.
pub const SCHEMA: u32 = 2;

/// How this program was built. An unoptimised build shows that a measurement runs; it says nothing about speed.
pub(crate) const BUILD: &str = if cfg!(debug_assertions) { "unoptimised" } else { "optimised" };

/// Everything that one run has measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFile {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// When it was written, RFC 3339, in UTC.
    pub recorded_at: String,
    /// `optimised` or `unoptimised`.
    pub build: String,
    /// The machine.
    pub machine: Machine,
    /// Names and versions of what was measured, as far as a result depends on them.
    pub versions: BTreeMap<String, String>,
    /// The questions, in the order in which they were measured.
    pub studies: Vec<Study>,
}

/// What was asked for: a name and a value as text.
pub type Settings = BTreeMap<String, String>;

/// One question, and everything that was measured to answer it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Its name: unique in a run, and the same in each run.
    pub id: String,
    /// Where it comes from.
    pub kind: Kind,
    /// The lesson that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<u8>,
    /// The question that its figures answer.
    pub question: String,
    /// Users, seconds, workers and the like.
    pub settings: Settings,
    /// What was measured, in the order in which it is shown. The first measure of a row is the one that is compared.
    pub rows: Vec<Row>,
    /// What a reader has to know to read the figures rightly, such as "the generator was the limit".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Where a study comes from. It decides how samples are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One function twice under the same stopwatch (A/A): what differs here is noise.
    BenchNoise,
    /// One service twice under the same load.
    LoadNoise,
    /// A criterion benchmark: functions under a stopwatch.
    Bench,
    /// A lesson's ways under load.
    Load,
    /// The guide's own system beside ours.
    #[serde(rename = "fastapi")]
    FastApi,
    /// The reference API.
    Api,
}

impl Kind {
    /// Whether the samples of two rows with the same number were taken in the same round. Criterion's have no partners.
    pub fn is_paired(self) -> bool {
        !matches!(self, Self::Bench | Self::BenchNoise)
    }
}

/// One thing that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name: a variant, a framework.
    pub name: String,
    /// What it stands for in the comparison.
    pub role: Role,
    /// Its place on the horizontal axis, for a study that draws a curve: the load that was offered, in requests a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
    /// The figures, the compared one first.
    pub measures: Vec<Measure>,
}

/// What a row stands for in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A trap of a lesson.
    Wrong,
    /// A cure of a lesson.
    Right,
    /// The same harness around nothing: what measuring itself costs.
    Baseline,
    /// The guide's system.
    Peer,
    /// Ours.
    Ours,
    /// The nearest thing to a physical limit: bare hyper, a bare SQLite loop.
    Limit,
}

impl Role {
    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Right => "right",
            Self::Baseline => "baseline",
            Self::Peer => "peer",
            Self::Ours => "ours",
            Self::Limit => "limit",
        }
    }
}

/// One figure of a row: a sample for each round, in the order of the rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What it is, such as "p99" or "heartbeat p99".
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// The samples.
    pub samples: Vec<f64>,
}

impl Measure {
    /// A figure of which there is one sample so far.
    pub fn one(name: &str, unit: Unit, sample: f64) -> Self {
        Self { name: name.to_owned(), unit, samples: vec![sample] }
    }
}

/// The unit of a figure. It also says which direction is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Good answers in a second: more is better.
    #[serde(rename = "requests/s")]
    PerSecond,
    /// Milliseconds: less is better.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds: less is better.
    #[serde(rename = "µs")]
    Microseconds,
    /// Something counted: less is better. Equal on every machine, so it has no interval.
    #[serde(rename = "count")]
    Count,
    /// Resident memory in MiB: less is better.
    #[serde(rename = "MiB")]
    Mebibytes,
}

impl Unit {
    /// Whether more is better.
    pub fn more_is_better(self) -> bool {
        self == Self::PerSecond
    }

    /// Whether it is a rate or a time, which differ from run to run.
    pub fn is_timed(self) -> bool {
        matches!(self, Self::PerSecond | Self::Milliseconds | Self::Microseconds)
    }

    /// As it stands behind a number; empty for a count.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::PerSecond => "requests/s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "µs",
            Self::Count => "",
            Self::Mebibytes => "MiB",
        }
    }
}

impl RunFile {
    /// A run of now on this machine, with nothing measured yet.
    #[expect(clippy::disallowed_methods, reason = "a run file bears the time at which it was made")]
    pub fn new(versions: BTreeMap<String, String>) -> Self {
        let now = OffsetDateTime::now_utc();
        let now = now.replace_nanosecond(0).unwrap_or(now);
        Self {
            schema: SCHEMA,
            // A year beyond 9999 has no RFC 3339 form.
            recorded_at: now.format(&Rfc3339).unwrap_or_default(),
            build: BUILD.to_owned(),
            machine: Machine::current(),
            versions,
            studies: Vec::new(),
        }
    }

    /// The day on which it was recorded, as `2026-11-24`.
    pub fn day(&self) -> &str {
        self.recorded_at.get(..10).unwrap_or(&self.recorded_at)
    }

    /// The study of that name.
    pub fn study(&self, id: &str) -> Option<&Study> {
        self.studies.iter().find(|study| study.id == id)
    }

    /// Reads a run file.
    ///
    /// # Errors
    /// If it cannot be read, or is not of this schema; the text says which.
    pub fn read(path: &Path) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        // The version first: another one has other fields, and the message should say so.
        let Version { schema } = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if schema != SCHEMA {
            return Err(format!(
                "its schema is {schema}, and this program reads schema {SCHEMA}; record it again."
            ));
        }
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// Writes a new run file, with no more digits than a sample can bear.
    ///
    /// # Errors
    /// If the file exists already or cannot be written.
    pub fn write(mut self, path: &Path) -> Result<(), String> {
        let rows = self.studies.iter_mut().flat_map(|study| &mut study.rows);
        for measure in rows.flat_map(|row| &mut row.measures) {
            // A service that gave no good answer has no percentile, and JSON has no word for that.
            measure.samples.retain(|sample| sample.is_finite());
            for sample in &mut measure.samples {
                *sample = rounded(*sample);
            }
        }
        let text = one_line_of_samples(&serde_json::to_string_pretty(&self).map_err(|e| e.to_string())?);
        let written = fs::File::create_new(path).and_then(|mut new| writeln!(new, "{text}"));
        written.map_err(|error| format!("{} could not be written: {error}", path.display()))
    }

    /// Takes over what another run has measured. A study that both have gets the samples of both, row by row.
    pub fn merge(&mut self, other: Self) {
        self.versions.extend(other.versions);
        if other.build != self.build {
            self.build = other.build;
        }
        for study in other.studies {
            match self.studies.iter_mut().find(|mine| mine.id == study.id) {
                Some(mine) => mine.merge(study),
                None => self.studies.push(study),
            }
        }
    }
}

impl Study {
    /// The row of that name; in a curve, the first of them.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Takes over the samples of another round.
    pub fn merge(&mut self, other: Self) {
        for row in other.rows {
            match self.rows.iter_mut().find(|mine| mine.name == row.name && mine.at == row.at) {
                Some(mine) => mine.merge(row),
                None => self.rows.push(row),
            }
        }
        for note in other.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

impl Row {
    /// The figure that is compared.
    pub fn headline(&self) -> Option<&Measure> {
        self.measures.first()
    }

    /// The figure of that name.
    pub fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }

    fn merge(&mut self, other: Self) {
        for measure in other.measures {
            match self.measures.iter_mut().find(|mine| mine.name == measure.name) {
                Some(mine) => mine.samples.extend(measure.samples),
                None => self.measures.push(measure),
            }
        }
    }
}

/// Puts the numbers of an array on one line: a run file is also read by people, and by `git diff`.
fn one_line_of_samples(pretty: &str) -> String {
    let mut out = String::with_capacity(pretty.len());
    let mut inside = false;
    for line in pretty.lines() {
        if inside {
            let item = line.trim();
            inside = !item.starts_with(']');
            out.push_str(item);
            out.push(if inside { ' ' } else { '\n' });
            if !inside {
                // The space after the last number.
                let end = out.len() - item.len() - 1;
                if out.as_bytes().get(end - 1) == Some(&b' ') {
                    out.remove(end - 1);
                }
            }
        } else {
            inside = line.trim_end().ends_with("\"samples\": [");
            out.push_str(line);
            if !inside {
                out.push('\n');
            }
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(samples: &[f64]) -> RunFile {
        let measure =
            Measure { name: "time".to_owned(), unit: Unit::Milliseconds, samples: samples.to_vec() };
        let row = |name: &str, role| Row {
            name: name.to_owned(),
            role,
            at: None,
            measures: vec![measure.clone(), Measure::one("statements", Unit::Count, 3.0)],
        };
        let mut run = RunFile::new(BTreeMap::from([("axum".to_owned(), "0.8.9".to_owned())]));
        run.studies.push(Study {
            id: "18-ten-reports".to_owned(),
            kind: Kind::Bench,
            lesson: Some(18),
            question: "How long?".to_owned(),
            settings: Settings::new(),
            rows: vec![row("sync-driver", Role::Wrong), row("async-driver", Role::Right)],
            notes: Vec::new(),
        });
        run
    }

    #[test]
    fn a_run_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        let run = run(&[1.5, 2.0, 3.25]);

        run.clone().write(&file).unwrap();

        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("\"samples\": [1.5, 2.0, 3.25]\n"), "{text}");
        assert_eq!(RunFile::read(&file).unwrap(), run);
    }

    #[test]
    fn a_run_file_is_never_overwritten() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(run(&[1.0]).write(file.path()).is_err());
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "");
    }

    #[test]
    fn a_percentile_of_no_answers_leaves_no_sample() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        run(&[f64::NAN, 2.0]).write(&file).unwrap();
        assert_eq!(RunFile::read(&file).unwrap().studies[0].rows[0].measures[0].samples, [2.0]);
    }

    #[test]
    fn another_schema_is_refused_by_its_number() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), r#"{"schema": 1, "loads": []}"#).unwrap();
        let error = RunFile::read(file.path()).unwrap_err();
        assert!(error.contains("its schema is 1"), "{error}");
    }

    #[test]
    fn a_merged_run_has_the_samples_of_both_rounds_in_their_order() {
        let mut first = run(&[1.0]);
        first.merge(run(&[2.0, 3.0]));
        let row = first.studies[0].row("async-driver").unwrap();
        assert_eq!(row.headline().unwrap().samples, [1.0, 2.0, 3.0]);
        assert_eq!((first.studies.len(), first.studies[0].rows.len()), (1, 2));
    }

    #[test]
    fn a_sample_is_written_with_the_digits_that_mean_something() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        run(&[1_234.567_89, 0.001_234_567]).write(&file).unwrap();
        let read = RunFile::read(&file).unwrap();
        assert_eq!(read.studies[0].rows[0].measures[0].samples, [1_234.6, 0.001_234_6]);
    }
}
