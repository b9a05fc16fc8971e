//! Where the book's parts lie on disk.

use std::path::{Path, PathBuf};

/// A workspace with a book in it. Tests make small ones of their own.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

impl Library {
    /// The workspace that this program was built from.
    pub fn here() -> Self {
        let book = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::at(book.parent().unwrap_or(book))
    }

    /// The workspace at that path.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The root of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The book's folder.
    pub fn book(&self) -> PathBuf {
        self.root.join("book")
    }

    /// The folder of the chapters.
    pub fn chapters(&self) -> PathBuf {
        self.book().join("chapters")
    }

    /// Where programs put what they can make again.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// What belongs to the reader: progress, and the database of the reference API.
    pub fn local(&self) -> PathBuf {
        self.root.join(".local")
    }

    /// The recorded reports of an experiment.
    pub fn recorded(&self, lesson: u8, experiment: &str) -> PathBuf {
        self.book().join(format!("recorded/{lesson:02}-{experiment}.json"))
    }

    /// A path as messages show it: relative to the root, where it lies below it.
    pub fn shown<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// The one file of a folder of the book whose name begins with the lesson's number.
    pub fn numbered(&self, folder: &str, lesson: u8) -> Option<PathBuf> {
        let prefix = format!("{lesson:02}-");
        sorted(&self.book().join(folder))
            .into_iter()
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
    }
}

/// The entries of a folder by name; empty where there is no such folder.
pub(crate) fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_and_the_runner_keep_one_progress_file() {
        let library = Library::here();
        let runner = exercises::Kit::at(library.root()).progress_file();
        assert_eq!(library.local().join(exercises::PROGRESS_FILE), runner);
    }
}
