//! The command itself, as a reader types it.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

mod running_site;
mod small_book;

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
};

use running_site::Running;
use small_book::SmallBook;

fn study(book: &SmallBook) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_study"));
    command.arg("--no-open").arg("--workspace").arg(book.library().root());
    command
}

/// Sends a request and gives the open connection.
fn send(port: u16, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let request = request.replace("HOST", &format!("Host: 127.0.0.1:{port}"));
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn get(port: u16, path: &str) -> String {
    let mut answer = String::new();
    let request = format!("GET {path} HTTP/1.1\r\nHOST\r\nConnection: close\r\n\r\n");
    send(port, &request).read_to_string(&mut answer).unwrap();
    answer
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

#[test]
fn a_taken_port_is_told_in_one_line_and_the_site_comes_up_beside_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let book = SmallBook::with("# Page\n");
    let mut command = study(&book);
    command.arg("--port").arg(port.to_string());

    let site = Running::start(command);

    let line = format!("study: port {port} is taken by another program; using {} instead.\n", site.port);
    assert!(site.said.contains(&line), "{}", site.said);
    let page = get(site.port, "/page.html");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
}

#[test]
fn two_sites_run_at_once() {
    let book = SmallBook::with("# Page\n");
    let (mut first, mut second) = (study(&book), study(&book));
    first.args(["--port", "0"]);
    second.args(["--port", "0"]);

    let sites = [Running::start(first), Running::start(second)];

    for site in &sites {
        assert!(get(site.port, "/").starts_with("HTTP/1.1 200"));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_site_with_success_although_a_run_goes_on_and_a_page_listens() {
    for signal in ["-INT", "-TERM"] {
        let book = SmallBook::with("# Page\n");
        let mut command = study(&book);
        command.args(["--port", "0"]);
        let site = Running::start(command);
        let page = get(site.port, "/");
        let token = page.split("study-token\" content=\"").nth(1).unwrap().split('"').next().unwrap();
        let body = "{\"requests\":40,\"hold_ms\":250}";
        let mut run = send(
            site.port,
            &format!(
                "POST /lab/18/ten-reports/sync-driver HTTP/1.1\r\nHOST\r\nx-study-token: {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
        let mut head = [0; 12];
        run.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");

        let (status, rest) = site.end(signal);

        assert_eq!(status.code(), Some(0), "{signal}: {status}");
        assert_eq!(rest, "study: stopped.\n");
        // The run was cut, not waited for: all forty answers would have taken ten seconds.
        let mut stream = String::new();
        let _ = run.read_to_string(&mut stream);
        assert!(!stream.contains("\"whole\""), "{stream}");
    }
}

#[test]
fn a_broken_book_is_told_with_file_and_line_and_never_with_a_panic() {
    let book = SmallBook::with("# Page\n\n{{#lab 18 nine-reports}}\n");
    for arguments in [&[] as &[&str], &["build"], &["check"]] {
        let mut command = study(&book);
        command.args(arguments);

        let output = run(command);

        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains("book/chapters/page.md:3: lesson 18 has no experiment `nine-reports`"),
            "{told}"
        );
        assert!(!told.contains("panicked"), "{told}");
    }
}

#[test]
fn a_workspace_without_a_book_is_told_with_the_file_that_is_missing() {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_study"));
    command.args(["check", "--workspace"]).arg(empty.path());

    let output = run(command);

    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("book/chapters/SUMMARY.md:1: the summary cannot be read"), "{told}");
}

#[test]
fn build_writes_a_book_without_the_parts_that_need_a_server() {
    let book = SmallBook::with("# Page\n\n[docs](/docs/)\n");
    let place = tempfile::tempdir().unwrap();
    let mut command = study(&book);
    command.args(["build", "--out"]).arg(place.path().join("out"));

    let output = run(command);

    assert!(output.status.success(), "{}", text(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(Path::new(place.path()).join("out").join(name)).unwrap();
    let page = read("page.html");
    assert!(!page.contains("study-token"), "{page}");
    assert!(page.contains("<a href=\"live.html\">docs</a>"), "{page}");
    assert!(read("live.html").contains("cargo study"));
}
