//! Where run files lie: those of the kit in `benches/runs/`, those of the reader in `.local/runs/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{RunFile, Study};

/// The run files of a workspace.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// Those of the workspace at that path.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder of the committed runs.
    pub fn committed(&self) -> PathBuf {
        self.root.join("benches/runs")
    }

    /// The folder of the reader's own runs. Git ignores it.
    pub fn own(&self) -> PathBuf {
        self.root.join(".local/runs")
    }

    /// The newest committed study of which this holds, with its run and the run's file.
    ///
    /// # Errors
    /// If a run file cannot be read; the text names it.
    pub fn recorded(&self, is: impl Fn(&Study) -> bool) -> Result<Option<(PathBuf, RunFile)>, String> {
        newest(&self.committed(), is)
    }

    /// The reader's newest, in the same way. A file of another version is passed over: it is not the book's fault.
    pub fn yours(&self, is: impl Fn(&Study) -> bool) -> Option<(PathBuf, RunFile)> {
        newest(&self.own(), is).ok().flatten()
    }
}

fn newest(folder: &Path, is: impl Fn(&Study) -> bool) -> Result<Option<(PathBuf, RunFile)>, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    // Names begin with the date, so the last one is the newest.
    files.sort();
    for file in files.into_iter().rev() {
        // Beside the runs lie records of answers, in which nothing was timed.
        if !fs::read_to_string(&file).is_ok_and(|text| text.contains("\"studies\": [")) {
            continue;
        }
        let run = RunFile::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        if run.studies.iter().any(&is) {
            return Ok(Some((file, run)));
        }
    }
    Ok(None)
}

/// Looks whether a run file may be written there, before the measuring begins, which takes a while.
///
/// # Errors
/// If the file exists already or its folder does not; the text names the next step.
pub fn may_be_written(file: &Path) -> Result<(), String> {
    let shown = file.display();
    if file.exists() {
        return Err(format!("{shown} exists; a run file is never overwritten. Give another name."));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(format!("the folder of {shown} does not exist; create it, or give another name."));
    }
    Ok(())
}
