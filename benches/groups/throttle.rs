//! Lesson 14: what does the limit on logins cost, also when a stranger has filled its table?
//!
//! A full table is the case that an attacker can bring about. Each new name then walks over all names to find the one that
//! is forgotten first.

use std::hint::black_box;

use criterion::Criterion;
use record::{Kind, Role};
use transport_hygiene::right::{MOST_NAMES, Throttle};

use super::{Compares, DO_NOTHING, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "14-one-attempt",
    question: "How long does it take to count one attempt, with an empty table and with 10,000 names in it?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        (DO_NOTHING, Role::Baseline),
        ("empty-table", Role::Right),
        ("full-table-known-name", Role::Right),
        ("full-table-new-name", Role::Right),
    ]),
    measure,
};

fn measure(criterion: &mut Criterion, group: &Group) {
    let full = Throttle::default();
    for number in 0..MOST_NAMES {
        let counted = full.attempt(&format!("stranger {number}"));
        assert!(counted.is_ok(), "the first attempt of a name is free");
    }
    let mut benchmarks = criterion.benchmark_group(group.name);
    let log_in = |throttle: &Throttle| {
        let counted = throttle.attempt(black_box("ada"));
        throttle.succeeded(black_box("ada"));
        counted.is_ok()
    };
    benchmarks.bench_function(DO_NOTHING, |b| b.iter(|| black_box("ada").len()));
    let empty = Throttle::default();
    benchmarks.bench_function("empty-table", |b| b.iter(|| log_in(&empty)));
    benchmarks
        .bench_function("full-table-known-name", |b| b.iter(|| full.attempt(black_box("stranger 9999"))));
    let mut number = MOST_NAMES;
    benchmarks.bench_function("full-table-new-name", |b| {
        b.iter(|| {
            number += 1;
            full.attempt(&format!("stranger {number}"))
        });
    });
    benchmarks.finish();
}
