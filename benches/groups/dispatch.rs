//! Lesson 07: what does it cost to leave open which implementation is called?
//!
//! A query from SQLite in memory stands beside the three for scale: such a call is what usually lies behind the seam.

use std::hint::black_box;

use a_seam_for_tests::{
    Member, Members,
    dispatch::{EitherNames, Table, dynamic, generic},
    sqlite::Sqlite,
};
use criterion::Criterion;
use lab::{Controls, Probes};
use record::{Kind, Role};
use tokio::runtime::Builder;

use super::{Compares, DO_NOTHING, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "07-three-seams",
    question: "How long does a look into a map take through a generic, an enum and a pointer, beside one query?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        (DO_NOTHING, Role::Baseline),
        ("generic", Role::Right),
        ("enum", Role::Right),
        ("dyn", Role::Right),
        ("one-sqlite-query", Role::Baseline),
    ]),
    measure,
};

const EMAIL: &str = "ada@example.org";

#[expect(clippy::expect_used, reason = "without a runtime and SQLite there is nothing to measure")]
fn measure(criterion: &mut Criterion, group: &Group) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let table = Table::default();
    let either = EitherNames::Table(table.clone());
    let sqlite = runtime.block_on(async {
        let sqlite = Sqlite::in_memory(&Probes::new(Controls::default())).await.expect("SQLite opens");
        let ada = Member { email: EMAIL.to_owned(), name: "Ada".to_owned() };
        sqlite.add(ada).await.expect("the table is empty");
        sqlite
    });
    let mut benchmarks = criterion.benchmark_group(group.name);
    // The same runtime for all: entering it costs more than the call, and its price is the baseline.
    benchmarks.bench_function(DO_NOTHING, |b| b.to_async(&runtime).iter(|| async { black_box(7_u32) }));
    benchmarks.bench_function("generic", |b| b.to_async(&runtime).iter(|| generic(&table, black_box(7))));
    benchmarks.bench_function("enum", |b| b.to_async(&runtime).iter(|| either.len_of(black_box(7))));
    benchmarks
        .bench_function("dyn", |b| b.to_async(&runtime).iter(|| dynamic(black_box(&table), black_box(7))));
    benchmarks.bench_function("one-sqlite-query", |b| {
        b.to_async(&runtime).iter(|| async {
            let found = sqlite.find(black_box(EMAIL)).await;
            assert!(found.is_ok_and(|member| member.is_some()), "Ada was not found");
        });
    });
    benchmarks.finish();
}
