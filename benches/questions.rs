//! The benchmarks: one group for each question, each a do-nothing baseline, wrong ways and right ways.
//!
//! ```text
//! cargo bench                          measure, then print a table for each question
//! cargo bench --bench questions -- 18  only the groups whose name contains 18
//! cargo test --benches                 run each benchmark once, unoptimised, to see that it runs
//! ```
//!
//! Read next: `groups/blocking.rs`, then `table.rs` (how a verdict comes about).

mod groups;
mod table;

use std::path::Path;

use criterion::Criterion;

use table::Earlier;

fn main() {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let earlier: Vec<_> =
        groups::ALL.iter().map(|group| Earlier::in_folder(&results.join(group.name))).collect();

    // Drawing takes as long as measuring. Criterion's pictures show one benchmark each; the table compares.
    let criterion = Criterion::default().without_plots();
    let mut criterion = criterion.output_directory(&results).configure_from_args();
    for group in groups::ALL {
        (group.measure)(&mut criterion, group);
    }
    criterion.final_summary();

    // A smoke run, a list and a filter leave groups without a result of their own: those print no table.
    for table in groups::ALL.iter().zip(&earlier).filter_map(|(group, earlier)| table::of(group, earlier)) {
        println!("{table}");
    }
}
