//! Which versions a figure belongs to.

use std::{collections::BTreeMap, fs, path::Path};

/// The packages on whose version a figure of this kit may depend.
const NAMED: &[&str] = &[
    "argon2",
    "axum",
    "criterion",
    "goose",
    "hyper",
    "jsonwebtoken",
    "reqwest",
    "rusqlite",
    "serde_json",
    "sqlx",
    "tokio",
    "tower-http",
];

/// Their versions, from the lockfile in that folder; empty if it cannot be read.
pub fn locked_versions(root: &Path) -> BTreeMap<String, String> {
    fs::read_to_string(root.join("Cargo.lock")).map(|lock| named_in(&lock)).unwrap_or_default()
}

fn named_in(lock: &str) -> BTreeMap<String, String> {
    let value = |line: &str, key: &str| {
        Some(line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
    };
    let mut found = BTreeMap::new();
    let mut name = None;
    for line in lock.lines() {
        if let Some(package) = value(line, "name") {
            name = NAMED.contains(&package.as_str()).then_some(package);
        } else if let (Some(version), Some(package)) = (value(line, "version"), &name) {
            // Of two versions of one package the later entry is the newer one, and the one that the workspace uses.
            found.insert(package.clone(), version);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_package_is_in_the_lockfile_of_this_workspace() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let found = locked_versions(root);
        let missing: Vec<_> = NAMED.iter().filter(|name| !found.contains_key(**name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(found["axum"].starts_with("0.8"), "{found:?}");
    }
}
