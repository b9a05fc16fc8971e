//! The benchmarks: one group for each question, each a do-nothing baseline, wrong ways and right ways.
//!
//! ```text
//! cargo bench                          measure, then print a table for each question
//! cargo bench --bench questions -- 18  only the groups whose name contains 18
//! cargo test --benches                 run each benchmark once, unoptimised, to see that it runs
//! ```
//!
//! Read next: `groups/asked.rs`, then `results.rs` (which samples count), then `record/src/compare.rs` (how a verdict
//! comes about).

mod groups;
mod results;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use criterion::Criterion;
use record::{Noise, RunFile, locked_versions};

use results::Earlier;

/// Where `cargo record` wants the samples. Criterion owns the command line.
const RECORD_TO: &str = "RECORD_TO";

fn main() {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let earlier: Vec<_> =
        groups::ALL.iter().map(|group| Earlier::in_folder(&results.join(group.name))).collect();

    // Drawing takes as long as measuring. Criterion's pictures show one benchmark each; the table compares.
    let criterion = Criterion::default().without_plots();
    // An iteration takes from nanoseconds to milliseconds; thirty samples hold an interval at 95 %.
    let criterion = criterion
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    let mut criterion = criterion.output_directory(&results).configure_from_args();
    for group in groups::ALL {
        (group.measure)(&mut criterion, group);
    }
    criterion.final_summary();

    // A smoke run, a list and a filter leave groups without a result of their own: those print no table.
    let mut run = RunFile::new(locked_versions(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))));
    run.studies =
        groups::ALL.iter().zip(&earlier).filter_map(|(group, earlier)| earlier.study(group)).collect();
    let noise = Noise::of(&run);
    for study in &run.studies {
        println!("\n{}", record::table(study, noise));
    }
    if !run.studies.is_empty() && cfg!(debug_assertions) {
        println!("This build is unoptimised: the tables show that it runs. `cargo bench` measures.");
    }
    if let Some(file) = std::env::var_os(RECORD_TO).map(PathBuf::from)
        && let Err(error) = run.write(&file)
    {
        eprintln!("bench: {error}");
        std::process::exit(1);
    }
}
