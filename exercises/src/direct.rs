//! Leaves cargo out where nothing but the answer has changed.
//!
//! Of the second from a save to a verdict, cargo takes about half to find out that everything else is as it was. So the first build
//! goes through cargo, which says how it calls rustc; that is kept, with a fingerprint of all that cargo looks at. While the
//! fingerprint holds, the next build is that call of rustc alone, into a folder of its own: nothing of cargo's is touched.
//!
//! The answer itself is always compiled. Whenever anything is in doubt, cargo is asked, and the record is made anew.

use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::{
    compile::{self, Build, Program},
    hints::fingerprint,
    kit::Exercise,
    store,
};

/// An answer, built. The program stays as it is for as long as this is held.
#[derive(Debug)]
pub(crate) struct Built {
    /// What the compiler made of it.
    pub(crate) build: Build,
    /// Nobody else builds into the same folder meanwhile. `None` if cargo has built it, into its own.
    _place: Option<File>,
}

/// How cargo calls rustc for an answer, and what has to be as it was for that call to be right.
#[derive(Debug, Deserialize, Serialize)]
struct Kept {
    /// Sources, settings and environment, before cargo looked at them.
    world: String,
    /// What the answer is linked with.
    artifacts: Vec<PathBuf>,
    /// Those files and the compiler, after cargo had built.
    tools: String,
    environment: Vec<(String, String)>,
    rustc: PathBuf,
    arguments: Vec<String>,
}

/// Builds the exercise's answer. `None` means that somebody interrupted it.
///
/// # Errors
/// If cargo is needed and cannot be started.
pub(crate) async fn build(
    root: &Path,
    exercise: &Exercise,
    mut interrupted: impl Future<Output = ()> + Unpin,
    mut on_log: impl FnMut(&str),
) -> io::Result<Option<Built>> {
    let target = exercise.target();
    let folder = root.join("target").join("exercise").join(format!("{:02}", exercise.number));
    let record = folder.join("rustc.json");
    // Where another runner is at work on the same answer, or the folder cannot be made, cargo keeps the two apart.
    let place = store::try_lock(&folder.join("lock")).ok().flatten();
    // Windows quotes commands in another way than we read them.
    if let Some(place) = place.filter(|_| cfg!(unix)) {
        let world = world(root, exercise);
        if let Ok(world) = &world
            && let Some(kept) = Kept::read(&record).filter(|kept| kept.holds(world))
        {
            let command = kept.command(root, &folder);
            match compile::run_rustc(command, &target, &mut interrupted).await {
                Ok(None) => return Ok(None),
                Ok(Some(build)) if build.speaks_of(&target) => {
                    return Ok(Some(Built { build, _place: Some(place) }));
                }
                // The compiler was ended, or is gone, or has nothing to show.
                Ok(Some(_)) | Err(_) => {}
            }
        }
        // Made anew when cargo has built: whatever ends this program before leaves none that is out of date.
        let _ = fs::remove_file(&record);
        let Some(build) = compile::build_aloud(root, &target, &mut interrupted, &mut on_log).await? else {
            return Ok(None);
        };
        if build.succeeded {
            if let Ok(world) = world
                && let Some(kept) = Kept::of(&build, &target, world)
                && let Ok(json) = serde_json::to_vec(&kept)
            {
                // Without a record the next build goes through cargo as well.
                let _ = store::replace(&record, &json);
            }
            return Ok(Some(Built { build, _place: None }));
        }
        if !build.errors_in(&target).is_empty() {
            return Ok(Some(Built { build, _place: None }));
        }
        // What cargo says of its own troubles is plainer without all its commands.
    }
    let build = compile::build(root, &target, interrupted, on_log).await?;
    Ok(build.map(|build| Built { build, _place: None }))
}

impl Kept {
    fn read(record: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(record).ok()?).ok()
    }

    /// What cargo has said; `None` if it did not call rustc for the target, or called it in a way that we do not understand.
    fn of(build: &Build, target: &str, world: String) -> Option<Self> {
        let call = build.log.iter().find_map(|line| {
            let words = shlex::split(line.trim().strip_prefix("Running `")?.strip_suffix('`')?)?;
            words.windows(2).any(|pair| pair == ["--crate-name", target]).then_some(words)
        })?;
        let set = call.iter().take_while(|word| is_assignment(word)).count();
        let environment = call[..set].iter().filter_map(|word| word.split_once('='));
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let rustc = PathBuf::from(call.get(set)?);
        let arguments = call[set + 1..].to_vec();
        let has_a_folder = arguments.iter().any(|argument| argument == "--out-dir");
        let mut kept = Self {
            world,
            artifacts: build.artifacts.clone(),
            tools: String::new(),
            environment,
            rustc,
            arguments,
        };
        // A compiler that is looked up by its name may be another one the next time.
        if !kept.rustc.is_absolute() || !has_a_folder {
            return None;
        }
        kept.tools = kept.tools().ok()?;
        Some(kept)
    }

    fn holds(&self, world: &str) -> bool {
        self.world == world && self.tools().is_ok_and(|tools| tools == self.tools)
    }

    fn tools(&self) -> io::Result<String> {
        let mut text = stamp(&self.rustc)?;
        let library = self.rustc.parent().and_then(Path::parent).map(|folder| folder.join("lib"));
        for entry in fs::read_dir(library.unwrap_or_default())? {
            text += &stamp(&entry?.path())?;
        }
        for artifact in &self.artifacts {
            text += &stamp(artifact)?;
        }
        Ok(fingerprint(&text))
    }

    /// The same call, into that folder.
    fn command(&self, root: &Path, folder: &Path) -> Command {
        let mut incremental = OsStr::new("incremental=").to_owned();
        incremental.push(folder.join("incremental"));
        let mut command = Command::new(&self.rustc);
        // Also where cargo was told to keep nothing: that halves the time, and the folder is no part of what cargo keeps.
        command.arg("-C").arg(incremental);
        // Where it keeps what it has compiled, rustc cuts a program into up to 256 pieces, most of which an answer does not need.
        command.args(["-C", "codegen-units=8"]);
        // More than half of the program would be line numbers, for nobody: a panic says where it was without them. Elsewhere than on
        // Linux another program takes them out afterwards.
        if cfg!(target_os = "linux") && env::var_os("RUST_BACKTRACE").is_none() {
            command.args(["-C", "strip=debuginfo"]);
        }
        let mut arguments = self.arguments.iter().peekable();
        while let Some(argument) = arguments.next() {
            if argument == "--out-dir" {
                let _ = arguments.next();
                command.arg("--out-dir").arg(folder);
            } else if argument == "-C"
                && arguments.peek().is_some_and(|next| next.starts_with("incremental="))
            {
                let _ = arguments.next();
            } else {
                command.arg(argument);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).current_dir(root);
        command
    }
}

impl Build {
    /// Whether rustc has said all that a verdict needs: either a program, or what is wrong with the answer.
    fn speaks_of(&self, target: &str) -> bool {
        let program = self.program(target).is_some_and(|Program { path, .. }| path.is_file());
        if self.succeeded { program } else { !self.errors_in(target).is_empty() }
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

/// All that cargo would look at, but for the answers: every file of the kit, the settings of cargo and rustup, the environment.
fn world(root: &Path, exercise: &Exercise) -> io::Result<String> {
    let mut text = String::new();
    walk(root, root, &mut text)?;
    for folder in root.ancestors() {
        for name in
            [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain", "Cargo.toml"]
        {
            text += &stamp_if_there(&folder.join(name));
        }
    }
    let home = env::home_dir().unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let rustup = env::var_os("RUSTUP_HOME").map_or_else(|| home.join(".rustup"), PathBuf::from);
    for file in [cargo.join("config.toml"), cargo.join("config"), rustup.join("settings.toml")] {
        text += &stamp_if_there(&file);
    }
    let mut variables: Vec<_> = env::vars_os().collect();
    variables.sort();
    let _ = write!(text, "{} {variables:?}", exercise.target());
    Ok(fingerprint(&text))
}

/// The files below a folder, in the order of their names.
fn walk(root: &Path, folder: &Path, text: &mut String) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if !entry.file_type()?.is_dir() {
            text.push_str(&stamp(&path)?);
        } else if !left_out(root, &path) {
            walk(root, &path, text)?;
        }
    }
    Ok(())
}

/// What is built, what git and the runner keep, and the answers with their copies and whatever an editor puts beside them.
fn left_out(root: &Path, folder: &Path) -> bool {
    let Ok(within) = folder.strip_prefix(root) else { return false };
    let parts: Vec<_> = within.iter().filter_map(OsStr::to_str).collect();
    matches!(parts.as_slice(), ["target" | ".git" | ".local"] | ["exercises", _, "tests"])
}

/// What changes when a file does: its size and its time. Cargo looks at no more than the time.
fn stamp(path: &Path) -> io::Result<String> {
    let facts = fs::metadata(path)?;
    let time = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    Ok(format!("{} {} {time}\n", path.display(), facts.len()))
}

fn stamp_if_there(path: &Path) -> String {
    stamp(path).unwrap_or_else(|_| format!("{} is not there\n", path.display()))
}
