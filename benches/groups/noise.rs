//! A/A: one function, measured as if it were two. No smaller difference means anything in this run.

use std::hint::black_box;

use record::{Kind, Role};

use super::{Compares, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "00-noise",
    question: "How much does one function differ from itself?",
    kind: Kind::BenchNoise,
    compares: Compares::Functions(&[("once", Role::Baseline), ("again", Role::Baseline)]),
    measure: |criterion, group| {
        let mut benchmarks = criterion.benchmark_group(group.name);
        for (name, _) in group.rows() {
            benchmarks.bench_function(name, |bencher| bencher.iter(|| parse(black_box(BODY))));
        }
        benchmarks.finish();
    },
};

/// Some microseconds of what a service does all day.
const BODY: &str =
    r#"{"id":7,"title":"Umbrella","tags":["black","one spoke bent"],"owner":{"name":"Ada","mail":null}}"#;

fn parse(body: &str) -> Option<serde_json::Value> {
    serde_json::from_str(body).ok()
}
