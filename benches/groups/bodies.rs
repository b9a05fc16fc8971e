//! Lesson 23: what does a body cost that is read into a type, beside one that is read into whatever it is?
//!
//! The baseline walks over the JSON and keeps nothing. Allocations are counted in a program of their own: an allocator that
//! counts takes longer, and here it would take longer in every benchmark.

use std::process::Command;

use criterion::Criterion;
use record::{Kind, Measure, Role, Unit};

use super::{
    Compares, Group,
    ways::{BODY, WAYS},
};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "23-one-body",
    question: "How long does it take to read the body of a PATCH with two fields?",
    kind: Kind::Bench,
    compares: Compares::Counted(
        &[
            ("keep-nothing", Role::Baseline),
            ("any-value", Role::Wrong),
            ("typed", Role::Right),
            ("borrowed", Role::Right),
        ],
        allocations,
    ),
    measure,
};

fn measure(criterion: &mut Criterion, group: &Group) {
    let mut benchmarks = criterion.benchmark_group(group.name);
    for (name, read) in WAYS {
        benchmarks
            .bench_function(name, |b| b.iter(|| assert!(read(BODY), "{name}: a sound body was refused")));
    }
    benchmarks.finish();
}

fn allocations() -> Vec<(&'static str, Measure)> {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_allocations");
    let output = Command::new(PROGRAM).output().ok().filter(|output| output.status.success());
    let Some(output) = output else {
        eprintln!("bench: {PROGRAM} cannot be run; its counts are left out.");
        return Vec::new();
    };
    let count = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        let (name, _) = WAYS.iter().find(|(way, _)| *way == name)?;
        Some((*name, Measure::one("allocations", Unit::Count, count.parse().ok()?)))
    };
    String::from_utf8_lossy(&output.stdout).lines().filter_map(count).collect()
}
