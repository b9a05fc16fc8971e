//! The samples that criterion has left behind, as far as they are of this run.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use record::{Measure, Row, Study, Unit};
use serde::Deserialize;

use crate::groups::Group;

/// Criterion's `sample.json`: so many iterations took so many nanoseconds.
#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// What earlier runs have left in a group's folder: it says nothing about this run.
pub(crate) struct Earlier {
    folder: PathBuf,
    written: BTreeMap<PathBuf, SystemTime>,
}

impl Earlier {
    /// Looks before anything is measured.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let benchmarks = fs::read_dir(folder).into_iter().flatten().flatten();
        let samples = benchmarks.map(|benchmark| samples(&benchmark.path()));
        let written = samples.filter_map(|file| Some((file.clone(), written(&file)?))).collect();
        Self { folder: folder.to_owned(), written }
    }

    /// The study of a group, or `None` if none of its benchmarks was measured since.
    pub(crate) fn study(&self, group: &Group) -> Option<Study> {
        let mut rows: Vec<_> = group
            .rows()
            .into_iter()
            .filter_map(|(name, role)| {
                let measures = vec![self.measured_since(name)?];
                Some(Row { name: name.to_owned(), role, at: None, measures })
            })
            .collect();
        if rows.is_empty() {
            return None;
        }
        for (name, counted) in group.counted() {
            let row = rows.iter_mut().find(|row| row.name == name);
            row.into_iter().for_each(|row| row.measures.push(counted.clone()));
        }
        Some(Study {
            id: group.name.to_owned(),
            kind: group.kind,
            lesson: group.lesson(),
            question: group.question.to_owned(),
            settings: group.settings(),
            rows,
            notes: Vec::new(),
        })
    }

    fn measured_since(&self, benchmark: &str) -> Option<Measure> {
        let file = samples(&self.folder.join(benchmark));
        let is_new = written(&file)? != *self.written.get(&file).unwrap_or(&SystemTime::UNIX_EPOCH);
        if !is_new {
            return None;
        }
        match fs::read_to_string(&file).map_err(|e| e.to_string()).and_then(|text| per_iteration(&text)) {
            Ok(measure) => Some(measure),
            Err(error) => {
                eprintln!("bench: {} cannot be read ({error}); its row is left out.", file.display());
                None
            }
        }
    }
}

/// Microseconds of one iteration, sample by sample.
fn per_iteration(text: &str) -> Result<Measure, String> {
    let Sample { iters, times } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let samples = times.iter().zip(&iters).map(|(nanoseconds, count)| nanoseconds / count / 1e3).collect();
    Ok(Measure { name: "time".to_owned(), unit: Unit::Microseconds, samples })
}

fn samples(benchmark: &Path) -> PathBuf {
    benchmark.join("new").join("sample.json")
}

fn written(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}
