//! What is wrong with the book, and where.

use std::{fmt, path::PathBuf};

/// One thing that is wrong in one place of the book.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, relative to the root of the workspace.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do about it.
    pub says: String,
    /// Whether a page would have a hole: then there is no page to show.
    pub hole: bool,
}

impl Fault {
    /// Something that a page lacks. The book cannot be shown with it.
    pub fn hole(file: impl Into<PathBuf>, line: usize, says: impl Into<String>) -> Self {
        Self { file: file.into(), line, says: says.into(), hole: true }
    }

    /// Something that an author has to mend, on a page that can be read all the same.
    pub fn blemish(file: impl Into<PathBuf>, line: usize, says: impl Into<String>) -> Self {
        Self { hole: false, ..Self::hole(file, line, says) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.says)
    }
}
