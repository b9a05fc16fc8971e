//! The reader's progress: one plain file, kept by `cargo exercise` and by the study site alike.
//!
//! The file is replaced in one step and never written in place; a copy of the last good one lies beside it. A damaged file
//! is set aside, not thrown away, and the reader is told. Fields that this version does not know are kept.

mod mark;

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::store;

pub use mark::{ChapterMark, ExerciseMark, LastVerdict, State};

/// The version that this program writes.
pub const VERSION: u64 = 1;

/// A moment in a file name: no colon, because Windows allows none there.
pub(crate) const STAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour][minute][second]Z");

/// How far the reader has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The version of the format.
    pub version: u64,
    /// Exercises by name, such as `unblock-the-report`. One that has left the kit stays here.
    #[serde(default)]
    pub exercises: BTreeMap<String, ExerciseMark>,
    /// Chapters by name, such as `18-blocking-the-runtime`.
    #[serde(default)]
    pub chapters: BTreeMap<String, ChapterMark>,
    /// What another version has written.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Something that the reader must be told, although the program goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(String);

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why progress can neither be read nor kept. The text names the next step.
#[derive(Debug, Error)]
pub enum ProgressError {
    /// A later version of the kit has written the file. It was not touched.
    #[error(
        "{path} was written by a newer version of the kit (format {found}; this one knows {VERSION}). It was left as it is. Update the kit, or move the file away to begin anew."
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in it.
        found: u64,
    },
    /// The file system refused.
    #[error("progress cannot be kept in {path}: {source}. Nothing that was there is lost.")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Reads, changes and writes progress as one step: no other program's mark is lost in between.
///
/// # Errors
/// If the file is from a newer version, or the file system refuses. The file is as it was then.
pub fn update(
    path: &Path,
    change: impl FnOnce(&mut Progress),
) -> Result<(Progress, Option<Notice>), ProgressError> {
    let _lock = lock(path)?;
    let (mut progress, notice) = load_or_mend(path)?;
    change(&mut progress);
    let mut bytes = serde_json::to_vec_pretty(&progress).map_err(io::Error::from).map_err(refused(path))?;
    bytes.push(b'\n');
    write(path, &bytes).map_err(refused(path))?;
    Ok((progress, notice))
}

impl Default for Progress {
    fn default() -> Self {
        Self { version: VERSION, exercises: BTreeMap::new(), chapters: BTreeMap::new(), other: Map::new() }
    }
}

impl Progress {
    /// Reads progress. A file that does not exist yet is the beginning; a damaged one is set aside and its last good copy used.
    ///
    /// # Errors
    /// If the file is from a newer version, or the file system refuses.
    pub fn load(path: &Path) -> Result<(Self, Option<Notice>), ProgressError> {
        match read(path)? {
            Content::Good(progress) => Ok((progress, None)),
            Content::Missing if !beside(path, "bak").exists() => Ok((Self::default(), None)),
            Content::Missing | Content::Damaged => {
                let _lock = lock(path)?;
                // Read again: another program may have mended it while this one waited.
                load_or_mend(path)
            }
        }
    }

    /// The mark of an exercise; it appears if there was none.
    pub fn exercise(&mut self, slug: &str) -> &mut ExerciseMark {
        self.exercises.entry(slug.to_owned()).or_default()
    }

    /// The mark of a chapter; it appears if there was none.
    pub fn chapter(&mut self, slug: &str) -> &mut ChapterMark {
        self.chapters.entry(slug.to_owned()).or_default()
    }

    /// Whether an answer to that exercise has passed.
    pub fn is_solved(&self, slug: &str) -> bool {
        self.exercises.get(slug).is_some_and(|mark| mark.state == State::Solved)
    }
}

enum Content {
    Missing,
    Damaged,
    Good(Progress),
}

fn read(path: &Path) -> Result<Content, ProgressError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Missing),
        Err(error) => return Err(refused(path)(error)),
    };
    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { return Ok(Content::Damaged) };
    match value.get("version").and_then(Value::as_u64) {
        Some(found) if found > VERSION => Err(ProgressError::Newer { path: path.to_owned(), found }),
        Some(VERSION) => Ok(serde_json::from_value(value).map_or(Content::Damaged, Content::Good)),
        _ => Ok(Content::Damaged),
    }
}

/// Call it under the lock.
fn load_or_mend(path: &Path) -> Result<(Progress, Option<Notice>), ProgressError> {
    let (what, kept) = match read(path)? {
        Content::Good(progress) => return Ok((progress, None)),
        Content::Missing => ("was missing", String::new()),
        Content::Damaged => {
            let aside = set_aside(path).map_err(refused(path))?;
            ("was damaged", format!(" The damaged file was kept as {}.", aside.display()))
        }
    };
    let copy = beside(path, "bak");
    match read(&copy)? {
        Content::Good(progress) => {
            let bytes = fs::read(&copy).map_err(refused(&copy))?;
            store::replace(path, &bytes).map_err(refused(path))?;
            let told = format!("progress: {} {what}; the last good copy is used.{kept}", path.display());
            Ok((progress, Some(Notice(told))))
        }
        // Nothing was ever kept here.
        Content::Missing if kept.is_empty() => Ok((Progress::default(), None)),
        Content::Missing | Content::Damaged => {
            let told = format!(
                "progress: {} {what} and there is no good copy of it; counting starts anew. Your answers are untouched.{kept}",
                path.display()
            );
            Ok((Progress::default(), Some(Notice(told))))
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    store::sweep(path.parent().unwrap_or(Path::new(".")))?;
    store::replace(path, bytes)?;
    // After the file itself: a crash in between leaves a good file and an older good copy.
    store::replace(&beside(path, "bak"), bytes)
}

#[expect(clippy::disallowed_methods, reason = "the date only names the file that is set aside")]
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let stamp = OffsetDateTime::now_utc().format(STAMP).map_err(io::Error::other)?;
    let aside = unused(|n| beside(path, &format!("damaged-{stamp}{n}")));
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// The first name that nothing has yet: plain, then with `-2`, `-3` and so on.
pub(crate) fn unused(name: impl Fn(&str) -> PathBuf) -> PathBuf {
    let mut path = name("");
    let mut number = 1_u32;
    while path.exists() {
        number += 1;
        path = name(&format!("-{number}"));
    }
    path
}

fn lock(path: &Path) -> Result<fs::File, ProgressError> {
    store::lock(&beside(path, "lock")).map_err(refused(path))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> ProgressError {
    let path = path.to_owned();
    |source| ProgressError::Io { path, source }
}
