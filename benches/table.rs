//! The table below a run: criterion's own estimates, and what may be said from them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use lab::{Comparison, Interval, Side};
use serde::Deserialize;

use crate::groups::{DO_NOTHING, Group};

/// The part of criterion's `estimates.json` that it prints itself. Nanoseconds.
#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
    /// Missing where every sample had the same number of iterations.
    slope: Option<Estimate>,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: Bounds,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Bounds {
    lower_bound: f64,
    upper_bound: f64,
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
        let estimates = benchmarks.map(|benchmark| estimates(&benchmark.path()));
        let written = estimates.filter_map(|file| Some((file.clone(), written(&file)?))).collect();
        Self { folder: folder.to_owned(), written }
    }

    /// The time of a benchmark that was measured since.
    fn measured_since(&self, benchmark: &str) -> Option<Interval> {
        let file = estimates(&self.folder.join(benchmark));
        let is_new = written(&file)? != *self.written.get(&file).unwrap_or(&SystemTime::UNIX_EPOCH);
        is_new.then(|| read(&file))?
    }
}

fn estimates(benchmark: &Path) -> PathBuf {
    benchmark.join("new").join("estimates.json")
}

fn written(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

/// The table of a group, or `None` if none of its benchmarks was measured since.
pub(crate) fn of(group: &Group, earlier: &Earlier) -> Option<String> {
    let fresh = |name: &str| earlier.measured_since(name);
    let variants: Vec<_> =
        group.experiment.variants.iter().map(|variant| (variant, fresh(variant.name))).collect();
    let baseline = fresh(DO_NOTHING);
    if baseline.is_none() && variants.iter().all(|(_, time)| time.is_none()) {
        return None;
    }

    let mut out = String::new();
    line(&mut out, &format!("\n{}\n", group.question));
    line(&mut out, &row("", DO_NOTHING, baseline.as_ref()));
    for (variant, time) in &variants {
        line(&mut out, &row(&variant.side.to_string(), variant.name, time.as_ref()));
    }
    line(&mut out, "");
    for (right, right_time) in variants.iter().filter(|(variant, _)| variant.side == Side::Right) {
        for (wrong, wrong_time) in variants.iter().filter(|(variant, _)| variant.side == Side::Wrong) {
            if let (Some(right_time), Some(wrong_time)) = (right_time, wrong_time) {
                let Interval { low, point, high } = wrong_time.over(right_time);
                let verdict = right_time.against(wrong_time);
                let pair = format!("{} / {}", wrong.name, right.name);
                let which = match verdict {
                    Comparison::CannotTell => verdict.to_string(),
                    Comparison::Faster | Comparison::Slower => format!("{} is {verdict}", right.name),
                };
                line(&mut out, &format!("  {pair:<32} {point:>7.2}   [{low:.2} … {high:.2}]   {which}"));
            }
        }
    }
    line(&mut out, "\nAn interval is criterion's, at 95 %. Where two overlap, the table says can't tell.");
    if cfg!(debug_assertions) {
        line(&mut out, "This build is unoptimised: the table shows that it runs. `cargo bench` measures.");
    }
    Some(out)
}

fn read(estimates: &Path) -> Option<Interval> {
    let text = fs::read_to_string(estimates).ok()?;
    match serde_json::from_str::<Estimates>(&text) {
        Ok(Estimates { mean, slope }) => {
            let Estimate { confidence_interval: Bounds { lower_bound, upper_bound }, point_estimate } =
                slope.unwrap_or(mean);
            Some(Interval { low: lower_bound, point: point_estimate, high: upper_bound })
        }
        Err(error) => {
            eprintln!("bench: {} cannot be read ({error}); its row is left out.", estimates.display());
            None
        }
    }
}

fn row(side: &str, name: &str, time: Option<&Interval>) -> String {
    let times = time.map_or_else(
        || "not measured in this run".to_owned(),
        |Interval { low, point, high }| {
            let (low, point, high) = (milliseconds(*low), milliseconds(*point), milliseconds(*high));
            format!("{point:>9} ms   [{low} … {high}]")
        },
    );
    format!("  {side:<5} {name:<26} {times}")
}

fn milliseconds(nanoseconds: f64) -> String {
    format!("{:.3}", nanoseconds / 1e6)
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}
