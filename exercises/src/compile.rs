//! Builds test targets with a cargo of their own, and reads what cargo says about it.
//!
//! All targets are picked with `--workspace --test …`, never with `-p`: one package alone would get its own feature set, and
//! cargo would build the same dependencies a second time.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Command,
};

use crate::{
    plain,
    trial::{end_group, in_own_group},
};

/// What cargo made of the targets.
#[derive(Debug, Default)]
pub struct Build {
    /// Whether all of them were built.
    pub succeeded: bool,
    /// The programs.
    pub programs: Vec<Program>,
    /// Every file that belongs to the build, also those that were there already.
    pub artifacts: Vec<PathBuf>,
    /// What the compiler said.
    pub diagnostics: Vec<Diagnostic>,
    /// What cargo itself said, line by line.
    pub log: Vec<String>,
}

/// A test target, built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The name of the target.
    pub target: String,
    /// Where the program lies.
    pub path: PathBuf,
}

/// A message of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The target that it is about.
    pub target: String,
    /// Whether it keeps the target from being built.
    pub is_error: bool,
    /// As the compiler prints it.
    pub rendered: String,
}

/// Builds the test targets whose names match the pattern. `None` means that somebody interrupted it.
///
/// # Errors
/// If cargo cannot be started.
pub async fn build(
    root: &Path,
    pattern: &str,
    interrupted: impl Future<Output = ()>,
    on_log: impl FnMut(&str),
) -> io::Result<Option<Build>> {
    run(cargo(root, pattern), interrupted, Build::hear, on_log).await
}

/// The same, and cargo puts every command that it runs into the log, with all that it sets in the environment.
pub(crate) async fn build_aloud(
    root: &Path,
    pattern: &str,
    interrupted: impl Future<Output = ()>,
    on_log: impl FnMut(&str),
) -> io::Result<Option<Build>> {
    let mut cargo = cargo(root, pattern);
    cargo.arg("-vv");
    run(cargo, interrupted, Build::hear, on_log).await
}

/// Builds one target by that call of rustc, which says on standard error what cargo passes on as messages of its own.
pub(crate) async fn run_rustc(
    mut rustc: Command,
    target: &str,
    interrupted: impl Future<Output = ()>,
) -> io::Result<Option<Build>> {
    quiet(&mut rustc);
    let build = run(rustc, interrupted, |_, _| (), |_| ()).await?;
    Ok(build.map(|mut build| {
        for line in std::mem::take(&mut build.log) {
            build.hear_rustc(target, &line);
        }
        build
    }))
}

async fn run(
    command: Command,
    interrupted: impl Future<Output = ()>,
    mut hear: impl FnMut(&mut Build, &str),
    mut on_log: impl FnMut(&str),
) -> io::Result<Option<Build>> {
    let mut child = in_own_group(command)?;
    let (stdout, stderr) = (child.stdout().take(), child.stderr().take());
    let mut build = Build::default();
    let mut log = Vec::new();
    let listen = async {
        tokio::join!(
            each_line(stdout, |line| hear(&mut build, line)),
            each_line(stderr, |line| {
                on_log(line);
                log.push(plain(line));
            }),
        );
        child.wait().await
    };
    let status = tokio::select! {
        () = interrupted => None,
        status = listen => Some(status?),
    };
    // Whoever interrupts a build does not want rustc to go on in the background.
    end_group(child.as_mut());
    build.log = log;
    Ok(status.map(|status| Build { succeeded: status.success(), ..build }))
}

fn cargo(root: &Path, pattern: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args([
            // Not `test --no-run`: that ends with the first target that does not compile, and leaves the others unbuilt.
            "build",
            "--keep-going",
            "--workspace",
            "--message-format=json",
            "--color=never",
            "--test",
            pattern,
        ])
        .current_dir(root);
    quiet(&mut command);
    command
}

/// Takes the command's streams, and the names that are not its own out of its environment.
fn quiet(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What the outer cargo says about this program is not true of the programs that the inner one builds.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|p| text.starts_with(p))
        {
            command.env_remove(&name);
        }
    }
}

async fn each_line(stream: Option<impl AsyncRead + Unpin>, mut hear: impl FnMut(&str)) {
    let Some(stream) = stream else { return };
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    // A line that is not UTF-8 is read with marks in it; a broken stream ends the listening, and the exit status decides.
    while let Ok(1..) = stream.read_until(b'\n', &mut line).await {
        hear(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-message")]
    Diagnostic { target: Target, message: Said },
    #[serde(rename = "compiler-artifact")]
    Artifact {
        target: Target,
        executable: Option<PathBuf>,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

/// The same from rustc.
#[derive(Deserialize)]
#[serde(tag = "$message_type", rename_all = "snake_case")]
enum Told {
    Diagnostic(Said),
    Artifact {
        artifact: PathBuf,
        emit: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Said {
    level: String,
    rendered: Option<String>,
}

impl Build {
    /// Takes in one line of cargo's standard output. What is not a message of cargo's is passed over.
    pub fn hear(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Message::Artifact { target, executable, filenames }) => {
                match executable {
                    Some(path) => self.programs.push(Program { target: target.name, path }),
                    // Not the programs: they are what is built anew.
                    None => self.artifacts.extend(filenames),
                }
            }
            Ok(Message::Diagnostic { target, message }) => self.note(target.name, message),
            _ => {}
        }
    }

    /// Takes in one line that rustc itself has written about that target.
    fn hear_rustc(&mut self, target: &str, line: &str) {
        match serde_json::from_str(line) {
            Ok(Told::Artifact { artifact, emit }) if emit == "link" => {
                self.programs.push(Program { target: target.to_owned(), path: artifact });
            }
            Ok(Told::Diagnostic(said)) => self.note(target.to_owned(), said),
            Ok(_) => {}
            Err(_) => self.log.push(line.to_owned()),
        }
    }

    fn note(&mut self, target: String, said: Said) {
        let rendered = plain(&said.rendered.unwrap_or_default());
        // "aborting due to 2 previous errors" and its kind count what was already said.
        if !rendered.starts_with("error: aborting due to") && said.level != "failure-note" {
            let is_error = said.level.starts_with("error");
            self.diagnostics.push(Diagnostic { target, is_error, rendered });
        }
    }

    /// The program of that target.
    pub fn program(&self, target: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.target == target)
    }

    /// The errors in that target.
    pub fn errors_in(&self, target: &str) -> Vec<&Diagnostic> {
        self.diagnostics.iter().filter(|said| said.is_error && said.target == target).collect()
    }
}
