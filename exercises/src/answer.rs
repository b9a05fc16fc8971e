//! The learner's file: made once from the starter, never overwritten without a dated copy.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    kit::Exercise,
    progress::{STAMP, unused},
    store,
};

/// Why the answer was left as it is. The text names the next step.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// There is no answer yet.
    #[error("{path} does not exist yet; `cargo exercise start {number:02}` makes it.")]
    NotStarted {
        /// Where it would be.
        path: PathBuf,
        /// The exercise.
        number: u8,
    },
    /// Nothing to bring back.
    #[error("there is no copy of {path} to bring back; `reset` makes one.")]
    NoCopy {
        /// The answer.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{path}: {source}. The answer is as it was.")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Makes the answer from the starter. Tells whether it was made now; one that is there already stays as it is.
///
/// # Errors
/// If the starter cannot be read or the answer cannot be written.
pub fn start(exercise: &Exercise) -> Result<bool, AnswerError> {
    let answer = exercise.answer();
    if answer.exists() {
        return Ok(false);
    }
    let starter = read(&exercise.judged("starter"))?;
    match create(&answer, &starter) {
        Ok(()) => Ok(true),
        // Another runner was faster: its file stays.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(AnswerError::Io { path: answer, source }),
    }
}

/// Puts the starter in the place of the answer, after a dated copy of it. Tells where the copy lies.
///
/// # Errors
/// If there is no answer, or the copy or the file cannot be written. The answer is untouched unless the copy is safe.
pub fn reset(exercise: &Exercise, now: OffsetDateTime) -> Result<PathBuf, AnswerError> {
    let starter = read(&exercise.judged("starter"))?;
    exchange(exercise, &starter, now)
}

/// Brings back the latest copy; the answer that was there becomes a copy itself. Tells which copy came back and where the
/// other one lies.
///
/// # Errors
/// If there is no answer or no copy, or a file cannot be written. The answer is untouched unless its copy is safe.
pub fn restore(exercise: &Exercise, now: OffsetDateTime) -> Result<(PathBuf, PathBuf), AnswerError> {
    let answer = exercise.answer();
    let Some(latest) = copies(exercise)?.pop() else { return Err(AnswerError::NoCopy { path: answer }) };
    let content = read(&latest)?;
    if !answer.exists() {
        create(&answer, &content).map_err(|source| AnswerError::Io { path: answer.clone(), source })?;
        return Ok((latest, answer));
    }
    let copy = exchange(exercise, &content, now)?;
    Ok((latest, copy))
}

/// The dated copies of the answer, oldest first.
///
/// # Errors
/// If the folder cannot be read.
pub fn copies(exercise: &Exercise) -> Result<Vec<PathBuf>, AnswerError> {
    let folder = exercise.folder.join("tests");
    let refused = |source| AnswerError::Io { path: folder.clone(), source };
    let prefix = format!("{}.rs.", exercise.target());
    let mut copies = Vec::new();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(copies),
        Err(error) => return Err(refused(error)),
    };
    for entry in entries {
        let entry = entry.map_err(refused)?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            copies.push(entry.path());
        }
    }
    // The names are dates; a second copy of one second is the same name with a number after it.
    copies.sort_by_key(|path| {
        let name = path.to_string_lossy().into_owned();
        match name.rsplit_once("Z-") {
            Some((date, number)) => (format!("{date}Z"), number.parse().unwrap_or(0)),
            None => (name, 1_u32),
        }
    });
    Ok(copies)
}

fn exchange(exercise: &Exercise, content: &[u8], now: OffsetDateTime) -> Result<PathBuf, AnswerError> {
    let answer = exercise.answer();
    if !answer.exists() {
        return Err(AnswerError::NotStarted { path: answer, number: exercise.number });
    }
    let current = read(&answer)?;
    let stamp = now
        .format(STAMP)
        .map_err(|error| AnswerError::Io { path: answer.clone(), source: io::Error::other(error) })?;
    let copy = unused(|n| answer.with_file_name(format!("{}.rs.{stamp}{n}", exercise.target())));
    create(&copy, &current).map_err(|source| AnswerError::Io { path: copy.clone(), source })?;
    store::replace(&answer, content).map_err(|source| AnswerError::Io { path: answer, source })?;
    Ok(copy)
}

fn read(path: &Path) -> Result<Vec<u8>, AnswerError> {
    fs::read(path).map_err(|source| AnswerError::Io { path: path.to_owned(), source })
}

/// Writes a file that must not exist yet. A half-written one is removed again.
fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = fs::File::create_new(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        // Best effort: the disk is full or gone, and the first error is the one to tell.
        let _ = fs::remove_file(path);
    }
    written.and_then(|()| store::sync_folder(folder))
}
