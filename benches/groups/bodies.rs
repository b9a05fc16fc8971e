//! Lesson 23: what does a body cost that is read into a type, beside one that is read into whatever it is?
//!
//! The baseline walks over the JSON and keeps nothing.

use std::hint::black_box;

use criterion::Criterion;
use record::{Kind, Role};
use serde::de::IgnoredAny;
use wire_contracts::right::UpdateUser;

use super::{Compares, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "23-one-body",
    question: "How long does it take to read the body of a PATCH with two fields?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        ("keep-nothing", Role::Baseline),
        ("any-value", Role::Wrong),
        ("typed", Role::Right),
    ]),
    measure,
};

const BODY: &str = r#"{"name":"Ada Lovelace","bio":null}"#;

fn measure(criterion: &mut Criterion, group: &Group) {
    let mut benchmarks = criterion.benchmark_group(group.name);
    benchmarks.bench_function("keep-nothing", |b| {
        b.iter(|| serde_json::from_str::<IgnoredAny>(black_box(BODY)).is_ok());
    });
    benchmarks.bench_function("any-value", |b| {
        b.iter(|| serde_json::from_str::<serde_json::Value>(black_box(BODY)).ok());
    });
    benchmarks.bench_function("typed", |b| {
        b.iter(|| {
            let change = serde_json::from_str::<UpdateUser>(black_box(BODY)).ok();
            assert!(change.is_some(), "a sound body was refused");
            change
        });
    });
    benchmarks.finish();
}
