//! The door `cargo load` as a program: what it refuses, and that its service never outlives it.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
};

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_load")).args(arguments).output().unwrap()
}

#[track_caller]
fn assert_refused(arguments: &[&str], says: &str) {
    let output = load(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(stderr.contains(says), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?} measured something");
}

#[test]
fn without_a_lesson_the_load_tests_are_listed_with_the_next_command() {
    let output = load(&[]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout.contains("Lesson 18"), "{stdout}");
    assert!(stdout.ends_with("next: cargo load 01\n"), "{stdout}");
}

#[test]
fn a_lesson_without_a_load_test_is_refused_with_the_way_to_those_that_have_one() {
    assert_refused(&["99"], "`cargo load` lists");
}

#[test]
fn more_users_or_seconds_than_the_bounds_are_refused() {
    assert_refused(&["18", "--users", "201"], "1..=200");
    assert_refused(&["18", "--seconds", "61"], "1..=60");
    assert_refused(&["18", "--workers", "0"], "1..=8");
}

#[test]
fn a_run_file_that_exists_is_refused_before_anything_is_measured() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_refused(&["18", "--save", file.path().to_str().unwrap()], "never overwritten");
}

#[test]
fn a_run_file_in_a_folder_that_does_not_exist_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing").join("run.json");
    assert_refused(&["18", "--save", file.to_str().unwrap()], "create it");
}

/// A service as the door starts it, and where it listens.
fn service(variant: &str) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_load"))
        .args(["serve", "--scenario", "load-18-ten-reports", "--variant", variant, "--workers", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    (child, url.trim_end().strip_prefix("http://").unwrap().to_owned())
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_service_answers_the_lesson_s_request_and_the_heartbeat_on_loopback_only() {
    let (mut child, address) = service("async-driver");
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert!(get(&address, "/report").starts_with("HTTP/1.1 200"));
    assert!(get(&address, "/heartbeat").ends_with("ok"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_service_ends_when_its_parent_s_end_of_the_pipe_closes() {
    let (mut child, _) = service("sync-driver");
    drop(child.stdin.take());
    // Without the watch on stdin this waits for ever.
    assert!(child.wait().unwrap().success());
}

/// Uvicorn does not watch its stdin. What it inherits from `load become` does not depend on that.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_knows_nothing_of_its_parent_ends_all_the_same_when_the_parent_is_killed() {
    let become_it = "\"$0\" become --parent $$ sh -c 'echo ready; exec sleep 600' & wait";
    let mut parent = Command::new("sh")
        .args(["-c", become_it, env!("CARGO_BIN_EXE_load")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The end of the pipe comes when its last holder is gone: without the kernel's help, in ten minutes.
    let killed = std::time::Instant::now();
    said.read_line(&mut line).unwrap();
    assert!(killed.elapsed() < std::time::Duration::from_secs(300), "the program has ended by itself");
}
