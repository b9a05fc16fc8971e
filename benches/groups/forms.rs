//! Lesson 22: what do types that cannot be wrong cost?
//!
//! The baseline only reads the JSON. The wrong way looks at the form and hands the same strings on; the right way turns them
//! into types. Both name all faults.

use std::hint::black_box;

use criterion::Criterion;
use parse_dont_validate::{
    right::{SignUp, SignUpForm},
    wrong::{Form, validate},
};
use record::{Kind, Role};

use super::{Compares, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "22-one-form",
    question: "How long does a sound sign-up form take, from its JSON to what the handler works with?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        ("json-only", Role::Baseline),
        ("validate-and-reuse", Role::Wrong),
        ("parse", Role::Right),
    ]),
    measure,
};

const SOUND: &str = r#"{"username":"Ada_36","email":" ada@example.com","age":36}"#;

fn measure(criterion: &mut Criterion, group: &Group) {
    let mut benchmarks = criterion.benchmark_group(group.name);
    benchmarks.bench_function("json-only", |b| {
        b.iter(|| serde_json::from_str::<SignUpForm>(black_box(SOUND)).is_ok());
    });
    // The same form in the spelling that this check lets through.
    let plain = SOUND.replace('_', "");
    benchmarks.bench_function("validate-and-reuse", |b| {
        b.iter(|| {
            let form = serde_json::from_str::<Form>(black_box(&plain)).ok();
            let form = form.filter(|form| validate(form).is_empty());
            assert!(form.is_some(), "a sound form was refused");
            form
        });
    });
    benchmarks.bench_function("parse", |b| {
        b.iter(|| {
            let form = serde_json::from_str::<SignUpForm>(black_box(SOUND)).ok();
            let new = form.and_then(|form| SignUp::try_from(form).ok());
            assert!(new.is_some(), "a sound form was refused");
            new
        });
    });
    benchmarks.finish();
}
