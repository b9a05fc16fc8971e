//! When cargo is left out of a build, and when it is asked.
//!
//! Cargo and rustc are scripts that write down who was called, beside the kit and not in it: a file in the kit is one that may have
//! changed. The "answer" that they build is a script as well, and does what the learner's file says.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
};

use crate::place::{Place, text};

const CARGO: &str = r#"#!/bin/sh
echo cargo >> "$TOOLS/calls"
answer=$(cat exercises/18-unblock-the-report/tests/answer_18.rs)
echo "     Running \`NAME='a value' $TOOLS/bin/rustc --crate-name answer_18 $INCREMENTAL --out-dir /nowhere\`" >&2
printf '{"reason":"compiler-artifact","target":{"name":"lab"},"executable":null,"filenames":["%s/liblab.rlib"]}\n' "$TOOLS"
case $answer in
broken*)
    printf '{"reason":"compiler-message","target":{"name":"answer_18"},"message":{"level":"error","rendered":"error: a bracket is open\\n"}}\n'
    exit 101 ;;
esac
printf '{"reason":"compiler-artifact","target":{"name":"answer_18"},"executable":"%s/program","filenames":["%s/program"]}\n' "$TOOLS" "$TOOLS"
"#;

const RUSTC: &str = r#"#!/bin/sh
echo "rustc with $NAME" >> "$TOOLS/calls"
printf '%s\n' "$@" > "$TOOLS/arguments"
while [ "$1" != --out-dir ]; do shift; done
answer=$(cat exercises/18-unblock-the-report/tests/answer_18.rs)
case $answer in
broken*)
    printf '{"$message_type":"diagnostic","level":"error","rendered":"error: a bracket is open\\n"}\n' >&2
    exit 1 ;;
*killed*) kill -9 $$ ;;
esac
cp "$TOOLS/program" "$2/answer"
printf '{"$message_type":"artifact","artifact":"%s/answer","emit":"link"}\n' "$2" >&2
"#;

const PROGRAM: &str = r"#!/bin/sh
case $(cat tests/answer_18.rs) in
right*) printf 'test checks::it_holds ... ok\n\ntest result: ok. 1 passed\n' ;;
*) printf 'test checks::it_holds ... FAILED\n\ntest result: FAILED. 1 failed\n'; exit 101 ;;
esac
";

const WITH_CARGO: &str = "cargo\n";
const WITHOUT: &str = "rustc with a value\n";

struct Bench(Place);

impl Bench {
    /// With an answer that cargo has built.
    fn new() -> Self {
        Self::with("")
    }

    /// The same where cargo passes that to rustc.
    fn with(arguments: &str) -> Self {
        let cargo = CARGO.replace("$INCREMENTAL", arguments);
        let bench = Self(Place::new());
        bench.0.said(&["start", "18"]);
        for folder in ["bin", "lib"] {
            fs::create_dir_all(bench.tools().join(folder)).unwrap();
        }
        for (name, script) in [("cargo", cargo.as_str()), ("bin/rustc", RUSTC), ("program", PROGRAM)] {
            let path = bench.tools().join(name);
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(bench.tools().join("liblab.rlib"), "the lab").unwrap();
        fs::write(bench.tools().join("lib/librustc.so"), "the compiler").unwrap();
        assert_eq!(bench.check("right"), (WITH_CARGO.to_owned(), Some(0)));
        bench
    }

    fn tools(&self) -> PathBuf {
        self.0.root().parent().unwrap().join("tools")
    }

    fn run(&self, answer: &str, variable: &str) -> Output {
        fs::write(self.0.answer(), answer).unwrap();
        let mut runner = Command::new(env!("CARGO_BIN_EXE_exercise"));
        runner.args(["check", "18"]).current_dir(self.0.root()).env("RUSTFLAGS", variable);
        runner.env("TOOLS", self.tools()).env("CARGO", self.tools().join("cargo")).output().unwrap()
    }

    /// Who was called to judge that answer, and how the runner ended.
    #[track_caller]
    fn check(&self, answer: &str) -> (String, Option<i32>) {
        let output = self.run(answer, "");
        (self.calls(), output.status.code())
    }

    fn calls(&self) -> String {
        let calls = self.tools().join("calls");
        let said = text(&calls);
        fs::remove_file(calls).unwrap();
        said
    }
}

#[test]
fn where_the_answer_alone_has_changed_cargo_is_left_out_and_the_new_answer_is_judged() {
    let bench = Bench::new();

    assert_eq!(bench.check("wrong"), (WITHOUT.to_owned(), Some(1)));
    assert_eq!(bench.check("right again"), (WITHOUT.to_owned(), Some(0)));
    // What an editor puts beside the answer is nobody's source.
    fs::write(bench.0.answer().with_file_name(".answer_18.rs.swp"), "half a word").unwrap();
    assert_eq!(bench.check("wrong again"), (WITHOUT.to_owned(), Some(1)));
}

#[test]
fn the_answer_is_built_on_its_last_build_whatever_cargo_keeps() {
    for of_cargo in ["", "-C incremental=/nowhere"] {
        let bench = Bench::with(of_cargo);

        assert_eq!(bench.check("wrong"), (WITHOUT.to_owned(), Some(1)));

        let arguments = text(&bench.tools().join("arguments"));
        let own = bench.0.root().join("target/exercise/18/incremental");
        let kept: Vec<_> = arguments.lines().filter_map(|word| word.strip_prefix("incremental=")).collect();
        assert_eq!(kept, [own.to_str().unwrap()], "{arguments}");
    }
}

#[test]
fn whatever_else_has_changed_cargo_is_asked_once_and_then_left_out_again() {
    let bench = Bench::new();
    let (root, tools) = (bench.0.root(), bench.tools());
    let record = root.join("target/exercise/18/rustc.json");
    fs::create_dir_all(root.join("lessons/01")).unwrap();
    assert_eq!(bench.check("right"), (WITHOUT.to_owned(), Some(0)), "an empty folder");

    for (changed, content) in [
        (root.join("lessons/01/lib.rs"), "a new file"),
        (root.join("lessons/01/lib.rs"), "another content"),
        (root.join("Cargo.lock"), "another version"),
        (root.join("rust-toolchain.toml"), "another compiler"),
        (bench.0.exercise().join("judged/solution.rs"), "another solution"),
        (tools.join("bin/rustc"), &format!("{RUSTC}# a new version\n")),
        (tools.join("lib/librustc.so"), "a newer compiler"),
        (tools.join("liblab.rlib"), "a newer lab"),
        (record.clone(), "{ no record"),
        (record.clone(), ""),
    ] {
        fs::write(&changed, content).unwrap();
        assert_eq!(bench.check("right"), (WITH_CARGO.to_owned(), Some(0)), "{}", changed.display());
        assert_eq!(bench.check("wrong"), (WITHOUT.to_owned(), Some(1)), "{}", changed.display());
    }
    for gone in [root.join("lessons/01/lib.rs"), record] {
        fs::remove_file(&gone).unwrap();
        assert_eq!(bench.check("right"), (WITH_CARGO.to_owned(), Some(0)), "{}", gone.display());
        assert_eq!(bench.check("wrong"), (WITHOUT.to_owned(), Some(1)), "{}", gone.display());
    }

    assert!(bench.run("right", "-Copt-level=3").status.success());
    assert_eq!(bench.calls(), WITH_CARGO, "a variable of the environment");
}

#[test]
fn an_error_of_the_compiler_reads_the_same_with_cargo_and_without() {
    let bench = Bench::new();
    let without = bench.run("broken", "");
    assert_eq!(bench.calls(), WITHOUT);
    fs::write(bench.0.root().join("Cargo.lock"), "another version").unwrap();

    let with = bench.run("broken", "");

    assert_eq!(bench.calls(), WITH_CARGO);
    let said = String::from_utf8(without.stdout).unwrap();
    assert!(said.contains("a bracket is open"), "{said}");
    assert_eq!(said, String::from_utf8(with.stdout).unwrap());
    assert_eq!((without.status.code(), with.status.code()), (Some(1), Some(1)));
}

#[test]
fn a_compiler_that_ends_without_a_word_decides_nothing() {
    let bench = Bench::new();

    let judged = bench.check("right, but the compiler is killed");

    assert_eq!(judged, (format!("{WITHOUT}{WITH_CARGO}"), Some(0)));
}

#[test]
fn while_another_runner_builds_the_same_answer_cargo_is_asked() {
    let bench = Bench::new();
    let lock = fs::File::open(bench.0.root().join("target/exercise/18/lock")).unwrap();
    lock.lock().unwrap();

    assert_eq!(bench.check("right"), (WITH_CARGO.to_owned(), Some(0)));

    lock.unlock().unwrap();
    assert_eq!(bench.check("wrong"), (WITHOUT.to_owned(), Some(1)));
}
