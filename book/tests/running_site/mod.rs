//! The site as a program of its own, for tests that talk to it over sockets.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

/// A site that is up. It is ended when the value goes away.
pub(crate) struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    /// What it has said until it was ready.
    pub(crate) said: String,
    pub(crate) port: u16,
}

impl Running {
    /// Starts the command and waits until the site says that it is ready.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("ready") {
            assert!(output.read_line(&mut said).unwrap() > 0, "it has stopped after: {said}");
        }
        let port = said.rsplit_once("127.0.0.1:").unwrap().1.split('/').next().unwrap().parse().unwrap();
        Self { child, output, said, port }
    }

    /// Sends the signal, waits for the end, and gives the status and what the site has said since it was ready.
    #[cfg(unix)]
    pub(crate) fn end(mut self, signal: &str) -> (ExitStatus, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended already, which is what most tests want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
