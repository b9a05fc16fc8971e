//! Code that the compiler must refuse, and the message that it refuses it with.
//!
//! A lesson keeps such code in `broken/NAME.rs`, an example that needs the feature `broken`, so that no ordinary build
//! sees it, and the compiler's message beside it in `broken/NAME.txt`, from where the chapter includes it. A proof calls
//! [`assert_refused`]: it builds the example for real and compares. The build shares the target folder of the test that
//! asks, so it compiles the lesson and the example, and nothing else.

use std::{env, fs, path::Path, process::Command};

use serde_json::Value;

/// Set to anything, it makes [`assert_refused`] write the message instead of comparing it.
const REWRITE: &str = "LAB_REWRITE_MESSAGES";

/// What the compiler says about an example that it refuses.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    /// The codes of the errors, such as `E0277`; errors of a macro have none.
    codes: Vec<String>,
    /// The errors as a terminal shows them, without what differs from machine to machine.
    text: String,
}

/// Asserts that the compiler refuses `broken/NAME.rs` with the message in `broken/NAME.txt`.
///
/// `folder` and `package` are the lesson's `CARGO_MANIFEST_DIR` and `CARGO_PKG_NAME`. A compiler of another version than
/// the one that wrote the file may put it in other words; then only the error codes have to agree.
///
/// # Panics
/// If the example is accepted, or refused with another message. The text says how to write the new one.
#[track_caller]
pub fn assert_refused(folder: &str, package: &str, name: &str) {
    let folder = Path::new(folder);
    let file = folder.join("broken").join(name).with_extension("txt");
    let version = compiler();
    let refusal = refusal(folder, package, name);
    let text = page(&version, &refusal);
    if env::var_os(REWRITE).is_some() {
        fs::write(&file, &text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        return;
    }
    // A checkout on Windows may have changed the line ends.
    let kept = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    let agrees = if kept.lines().next() == Some(version.as_str()) {
        kept == text
    } else {
        !kept.is_empty() && refusal.codes.iter().all(|code| kept.contains(&format!("error[{code}]")))
    };
    assert!(
        agrees,
        "{} does not hold what the compiler says:\n\n{text}\nto write it: {REWRITE}=1 cargo test --test proof",
        file.display()
    );
}

/// The message as a file that a chapter can include: `head` is the first error and its place, `error` is all of it.
fn page(version: &str, Refusal { text, .. }: &Refusal) -> String {
    let in_head =
        |line: &&str| !line.is_empty() && !line.trim_start().starts_with("= ") && !line.starts_with("help:");
    let head = text.lines().take_while(in_head).count();
    let (head, rest): (Vec<_>, Vec<_>) = text.lines().enumerate().partition(|(number, _)| *number < head);
    let lines =
        |part: Vec<(usize, &str)>| part.into_iter().map(|(_, l)| format!("{l}\n")).collect::<String>();
    format!(
        "{version}\nANCHOR: error\nANCHOR: head\n{}ANCHOR_END: head\n{}ANCHOR_END: error\n",
        lines(head),
        lines(rest)
    )
}

fn refusal(folder: &Path, package: &str, name: &str) -> Refusal {
    let number = folder.file_name().and_then(|name| name.to_str()).map_or("", |name| &name[..2]);
    let example = format!("broken_{number}_{name}");
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--example", &example, "--features", &format!("{package}/broken")])
        .args(["--message-format", "json"])
        // The root, so that all members' features are resolved together, as they were for the test that asks.
        .current_dir(folder.join("../.."))
        .output()
        .unwrap_or_else(|error| panic!("cargo could not be started: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let errors: Vec<Value> = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["reason"] == "compiler-message" && event["target"]["name"] == example.as_str())
        .map(|event| event["message"].clone())
        .filter(|message| {
            message["level"] == "error" && !message["spans"].as_array().is_none_or(Vec::is_empty)
        })
        .collect();
    assert!(
        !output.status.success() && !errors.is_empty(),
        "the compiler did not refuse {example}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let codes = errors.iter().filter_map(|error| Some(error["code"]["code"].as_str()?.to_owned())).collect();
    let text = errors.iter().filter_map(|error| error["rendered"].as_str()).map(normalised).collect();
    Refusal { codes, text }
}

/// `rustc 1.95`: the words of a message do not change within a minor version.
fn compiler() -> String {
    let version: Vec<_> = env!("BUILT_BY_RUSTC").split('.').take(2).collect();
    format!("rustc {}", version.join("."))
}

/// The message without the folders of this machine, and without the files that long type names are written to.
fn normalised(rendered: &str) -> String {
    let mut out = String::new();
    for line in rendered.lines() {
        let line = line.replace('\\', "/");
        if line.contains("the full name for the type has been written to")
            || line.contains("consider using `--verbose` to print the full type name")
        {
            continue;
        }
        let line = match line.split_once("--> ") {
            Some((arrow, place)) => format!("{arrow}--> {}", short(place)),
            None => line,
        };
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A place in the code from the folder on that a reader knows: the lesson's, a crate's, the standard library's.
fn short(place: &str) -> &str {
    if let Some((_, rest)) = place.split_once("registry/src/") {
        return rest.split_once('/').map_or(rest, |(_, rest)| rest);
    }
    for known in ["/broken/", "/library/"] {
        if let Some(at) = place.find(known) {
            return &place[at + 1..];
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_loses_the_folders_of_the_machine_that_wrote_it() {
        let rendered = "error[E0277]: no\n --> lessons/06-state-not-globals/broken/x.rs:3:5\n\
            note: required by\n   --> /home/ada/.cargo/registry/src/index.crates.io-1949/axum-0.8.9/src/serve.rs:9:1\n  \
            = note: the full name for the type has been written to '/tmp/x.long-type-7.txt'\n";

        assert_eq!(
            normalised(rendered),
            "error[E0277]: no\n --> broken/x.rs:3:5\nnote: required by\n   --> axum-0.8.9/src/serve.rs:9:1\n"
        );
    }

    #[test]
    fn the_head_of_a_message_ends_where_its_notes_begin() {
        let text = "error: no\n --> a.rs:1:1\n  |\n1 | x\n  | ^\n  |\n  = help: try y\nnote: z\n".to_owned();

        let page = page("rustc 1.95", &Refusal { codes: Vec::new(), text });

        assert_eq!(
            page,
            "rustc 1.95\nANCHOR: error\nANCHOR: head\nerror: no\n --> a.rs:1:1\n  |\n1 | x\n  | ^\n  |\n\
             ANCHOR_END: head\n  = help: try y\nnote: z\nANCHOR_END: error\n"
        );
    }
}
