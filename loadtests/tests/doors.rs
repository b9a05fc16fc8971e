//! No door rebuilds what another has built: each asks cargo for the same dependencies in the same form.
//!
//! Cargo builds a dependency again when its features, its profile or its dependencies' form differ. Which form a door
//! needs is known without compiling: cargo prints its plan as a graph of units. The check compares the plan of each door
//! with that of `cargo test`, which builds everything.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use serde_json::Value;

/// What the exercise runner and the authors' proof ask for, next to the doors in `.cargo/config.toml`. The pattern stands
/// for each learner's answer and each judged file: cargo settles features for the whole workspace, not for a target.
const EXERCISES: &str = "test --workspace --test *";

#[derive(Deserialize)]
struct Plan {
    units: Vec<Unit>,
}

/// One call of the compiler, or one run of a build script.
#[derive(Deserialize)]
struct Unit {
    pkg_id: String,
    target: Target,
    profile: BTreeMap<String, Value>,
    platform: Option<String>,
    mode: String,
    features: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// What a unit is, whatever its form: package, kind of target, what is done, and for which machine.
type Subject = (String, Vec<String>, String, Option<String>);

/// The form in which it is built.
#[derive(Clone, PartialEq)]
struct Form {
    features: BTreeSet<String>,
    profile: BTreeMap<String, Value>,
}

/// The dependencies of a plan that come from the registry, in all forms that it needs.
struct Dependencies(BTreeMap<Subject, Vec<Form>>);

impl Dependencies {
    fn of(plan: Plan) -> Self {
        let mut dependencies: BTreeMap<Subject, Vec<Form>> = BTreeMap::new();
        for mut unit in plan.units {
            let Some((_, package)) =
                unit.pkg_id.split_once("registry+").and_then(|(_, id)| id.split_once('#'))
            else {
                continue;
            };
            // `dev` and `test` are two names for one set of settings here, and cargo shares what they build.
            unit.profile.remove("name");
            let subject = (package.to_owned(), unit.target.kind, unit.mode, unit.platform);
            let forms = dependencies.entry(subject).or_default();
            let form = Form { features: unit.features, profile: unit.profile };
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        Self(dependencies)
    }

    /// One line for each dependency that `built` does not have in the form that this plan needs.
    fn rebuilt_after(&self, built: &Self, door: &str) -> Vec<String> {
        let mut faults = Vec::new();
        for (subject, forms) in &self.0 {
            let (package, kind, mode, _) = subject;
            for form in forms {
                let why = match built.0.get(subject).map(Vec::as_slice) {
                    Some(forms) if forms.contains(form) => continue,
                    None | Some([]) => "`cargo test` does not build it at all".to_owned(),
                    Some([other, ..]) => form.differs_from(other),
                };
                faults.push(format!(
                    "`cargo {door}` builds {package} ({} {mode}) again: {why}",
                    kind.join(" ")
                ));
            }
        }
        faults
    }
}

impl Form {
    fn differs_from(&self, other: &Self) -> String {
        let names = |features: Vec<&String>| features.into_iter().cloned().collect::<Vec<_>>().join(", ");
        let more = names(self.features.difference(&other.features).collect());
        let less = names(other.features.difference(&self.features).collect());
        let settings = self.profile.iter().filter(|(name, value)| other.profile.get(*name) != Some(*value));
        let settings = names(settings.map(|(name, _)| name).collect());
        [("features more", more), ("features less", less), ("other profile settings", settings)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {names}"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Cargo's plan for a command. Nothing is compiled.
fn plan(command: &str) -> Plan {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(command.split_whitespace());
    if command.starts_with("test") {
        cargo.arg("--no-run");
    }
    // The plan is still unstable. The variable reaches no compiler, since nothing is compiled.
    cargo.args(["--locked", "--unit-graph", "-Z", "unstable-options"]).env("RUSTC_BOOTSTRAP", "1");
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "`cargo {command}` has no plan: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The doors as the aliases spell them, up to the door's own arguments. What `run` builds, `build` plans.
fn doors() -> Vec<String> {
    let config = fs::read_to_string(root().join(".cargo/config.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let alias = |value: &toml::Value| {
        let words = value.as_str().unwrap().split_whitespace();
        let words: Vec<_> = words.take_while(|word| *word != "--").collect();
        words.join(" ").replacen("run ", "build ", 1)
    };
    config["alias"].as_table().unwrap().values().map(alias).chain([EXERCISES.to_owned()]).collect()
}

#[test]
fn no_door_rebuilds_a_dependency_that_cargo_test_has_built() {
    let built = Dependencies::of(plan("test"));
    let doors = doors();
    assert!(doors.len() > 4 && built.0.len() > 100, "the check looks at too little: {doors:?}");

    let rebuilt = |door: &String| Dependencies::of(plan(door)).rebuilt_after(&built, door);
    let faults: Vec<_> = doors.iter().flat_map(rebuilt).collect();

    assert!(
        faults.is_empty(),
        "{}\n\nEverybody who changes from one door to another waits for these. Give the dependency the same features\n\
         everywhere: `name.workspace = true` in the member, and the features in the root Cargo.toml.",
        faults.join("\n")
    );
}

#[test]
fn a_dependency_with_other_features_or_another_profile_counts_as_rebuilt() {
    let dependencies = |features: &[&str], opt_level: &str| {
        Dependencies::of(Plan {
            units: vec![Unit {
                pkg_id: "registry+https://github.com/rust-lang/crates.io-index#tokio@1.54.0".to_owned(),
                target: Target { kind: vec!["lib".to_owned()] },
                profile: [("opt_level", opt_level), ("name", "dev")]
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .into(),
                platform: None,
                mode: "build".to_owned(),
                features: features.iter().map(|feature| (*feature).to_owned()).collect(),
            }],
        })
    };
    let built = dependencies(&["net", "rt"], "0");

    assert!(dependencies(&["rt", "net"], "0").rebuilt_after(&built, "lab").is_empty());
    assert_eq!(
        dependencies(&["rt", "fs"], "3").rebuilt_after(&built, "lab"),
        ["`cargo lab` builds tokio@1.54.0 (lib build) again: features more: fs; features less: net; \
          other profile settings: opt_level"]
    );
    assert_eq!(
        built.rebuilt_after(&Dependencies(BTreeMap::new()), "lab"),
        ["`cargo lab` builds tokio@1.54.0 (lib build) again: `cargo test` does not build it at all"]
    );
}
