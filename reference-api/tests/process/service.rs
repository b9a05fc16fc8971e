//! The program as a process of its own: started, listened to, asked, stopped and killed.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Lines, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

pub(crate) fn program(folder: &Path, variables: &[(&str, &str)]) -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_reference-api")), folder, variables)
}

/// The program, killed when one of its threads makes the n-th of those system calls: the call itself is no longer made.
pub(crate) fn program_killed_at(calls: &str, n: u32, folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut strace = Command::new("strace");
    // As a grandchild, so that our child is the program itself: it can be asked to stop, and its end is its own.
    strace.args(["-D", "-f", "-qq", "-o", "/dev/null"]);
    strace.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:signal=KILL:when={n}")]);
    strace.arg(env!("CARGO_BIN_EXE_reference-api"));
    prepared(strace, folder, variables)
}

fn prepared(mut command: Command, folder: &Path, variables: &[(&str, &str)]) -> Command {
    command.env_clear().current_dir(folder).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether there is an `strace`. Where there is none, the tests that need it are left out and say so.
pub(crate) fn can_be_killed_at_calls() -> bool {
    let there = Command::new("strace").arg("-V").output().is_ok();
    if !there {
        eprintln!("skipped: strace is not installed");
    }
    there
}

/// A running service, which is killed if the test fails.
pub(crate) struct Service {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    pub(crate) address: String,
}

impl Service {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.env("API_BIND", "127.0.0.1:0").stderr(Stdio::inherit()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, said, address: String::new() }
    }

    /// `None` if it has ended before it listened.
    pub(crate) fn start(command: Command) -> Option<Self> {
        let mut service = Self::spawn(command);
        let line = service.hear("listens on http://")?;
        let (_, address) = line.split_once("http://").unwrap();
        service.address = address.split_once(';').unwrap().0.to_owned();
        Some(service)
    }

    /// The next line with that in it; `None` if the service ends without one.
    pub(crate) fn hear(&mut self, text: &str) -> Option<String> {
        self.said.by_ref().map(Result::unwrap).find(|line| line.contains(text))
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Its exit code; `None` if it was killed.
    pub(crate) fn ended(mut self) -> Option<i32> {
        // Read to the end, so that it can write its log until the end.
        self.said.by_ref().for_each(drop);
        self.child.wait().unwrap().code()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), None, "it had ended before");
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, request: &Request<'_>) -> Reply {
        TcpStream::connect(&self.address)
            .map_or(Reply::Nothing, |mut client| Reply::of(&mut client, &request.bytes(&self.address)))
    }

    /// Asks for what cannot fail.
    #[track_caller]
    pub(crate) fn done(&self, request: &Request<'_>) -> String {
        match self.ask(request) {
            Reply::Whole { status: 200..300, body, .. } => body,
            other => panic!("{request:?}: {other:?}"),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request with a JSON body. What is empty is left out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) path: &'a str,
    pub(crate) token: &'a str,
    pub(crate) key: &'a str,
    pub(crate) body: &'a str,
}

impl Request<'_> {
    pub(crate) fn bytes(&self, host: &str) -> Vec<u8> {
        let Self { path, token, key, body } = self;
        let mut head = format!("POST /api/v1{path} HTTP/1.1\r\nhost: {host}\r\n");
        if !token.is_empty() {
            let _ = write!(head, "authorization: Bearer {token}\r\n");
        }
        if !key.is_empty() {
            let _ = write!(head, "idempotency-key: {key}\r\n");
        }
        format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into()
    }
}

/// What came back for a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Whole {
        status: u16,
        head: String,
        body: String,
    },
    /// It began and did not end.
    Cut(String),
    Nothing,
}

impl Reply {
    /// Sends the request and reads its answer, and not a byte more: the connection can be used again.
    pub(crate) fn of(client: &mut TcpStream, request: &[u8]) -> Self {
        let mut read = Vec::new();
        match client.write_all(request).and_then(|()| read_message(client, &mut read)) {
            Ok((head, body)) => {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                Self::Whole { status, head, body }
            }
            Err(_) if read.is_empty() => Self::Nothing,
            Err(_) => Self::Cut(String::from_utf8_lossy(&read).into_owned()),
        }
    }
}

/// Head and body of one HTTP message, whose length it has to name if it has a body. `read` has what came even if that was not all.
pub(crate) fn read_message(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<(String, String)> {
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        read.push(byte[0]);
    }
    let head = String::from_utf8(read.clone()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    Ok((head, String::from_utf8(body).unwrap()))
}
