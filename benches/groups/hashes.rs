//! Lesson 10: what does a password hash cost, and what does kept memory save?
//!
//! The four prices that OWASP calls equally strong, and the old one that is still in the table. `fresh-memory` is the policy
//! with 19 MiB that are allocated for each hash; all other rows keep theirs.

use std::hint::black_box;

use argon2::Params;
use criterion::{Criterion, SamplingMode};
use lab::{Controls, Probes};
use passwords::{
    accounts::{Accounts, GRACE},
    argon::{Argon, POLICY, nobodys},
};
use record::{Kind, Role};

use super::{Compares, DO_NOTHING, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "10-one-hash",
    question: "How long does one password hash (argon2id, one lane) take?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        (DO_NOTHING, Role::Baseline),
        ("4-mib-1-pass", Role::Wrong),
        ("19-mib-2-passes", Role::Right),
        ("fresh-memory", Role::Right),
        ("46-mib-1-pass", Role::Right),
        ("12-mib-3-passes", Role::Right),
        ("7-mib-5-passes", Role::Right),
    ]),
    measure,
};

#[expect(
    clippy::expect_used,
    reason = "the parameters are constants that argon2 allows, and Grace is in the table"
)]
fn measure(criterion: &mut Criterion, group: &Group) {
    let argon = Argon::new(&Probes::new(Controls::default()));
    let mut memory = argon.memory();
    let costing =
        |mib: u32, passes| nobodys(&Params::new(mib * 1024, passes, 1, None).expect("valid parameters"));
    let old = Accounts::new().find(GRACE).expect("Grace has an account");
    let kept = [
        ("4-mib-1-pass", old),
        ("19-mib-2-passes", nobodys(&POLICY)),
        ("46-mib-1-pass", costing(46, 1)),
        ("12-mib-3-passes", costing(12, 3)),
        ("7-mib-5-passes", costing(7, 5)),
    ];
    let mut benchmarks = criterion.benchmark_group(group.name);
    benchmarks.sampling_mode(SamplingMode::Flat).sample_size(10);
    benchmarks.bench_function(DO_NOTHING, |b| b.iter(|| black_box("a guess").len()));
    for (name, hash) in kept {
        benchmarks.bench_function(name, |b| {
            b.iter(|| argon.verify_in(&mut memory, black_box("a guess"), black_box(&hash)));
        });
    }
    let policy = nobodys(&POLICY);
    benchmarks.bench_function("fresh-memory", |b| {
        b.iter(|| argon.verify(black_box("a guess"), black_box(&policy)));
    });
    benchmarks.finish();
}
