//! Hands the compiler's version to the crate: a recorded number without its compiler says little, and what a compiler
//! refuses it says in words of its own. The build script of `benches/record` too.

use std::{env, process::Command};

fn main() {
    // No file: this one stands in another package's folder for one of the two. Cargo itself sees a new compiler.
    println!("cargo::rerun-if-env-changed=RUSTC");
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(compiler).arg("--version").output();
    let version = said.ok().and_then(|said| String::from_utf8(said.stdout).ok());
    // "rustc 1.95.0 (…)": the middle word is the version.
    let version = version.as_deref().and_then(|text| text.split_whitespace().nth(1)).unwrap_or("unknown");
    println!("cargo::rustc-env=BUILT_BY_RUSTC={version}");
}
