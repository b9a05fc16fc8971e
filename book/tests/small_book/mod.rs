//! A workspace with a book of two pages, for tests that break it.

use std::fs;

use book::Library;
use tempfile::TempDir;

/// The workspace. It is removed when the value goes away.
pub(crate) struct SmallBook(TempDir);

impl SmallBook {
    /// A whole book whose second page, `book/chapters/page.md`, has this text.
    pub(crate) fn with(page: &str) -> Self {
        Self(tempfile::tempdir().unwrap())
            .file("book/book.toml", "[book]\ntitle = \"Small\"\nsrc = \"chapters\"\n[output.html.print]\nenable = false\n")
            .file("book/chapters/SUMMARY.md", "# Summary\n\n[Start](start.md)\n\n- [Page](page.md)\n")
            .file("book/chapters/start.md", "# Start\n\n## First steps\n\nText.\n")
            .file("book/chapters/page.md", page)
            .file("src/code.rs", "// ANCHOR: whole\nfn whole() {}\n// ANCHOR_END: whole\n// ANCHOR: empty\n// ANCHOR_END: empty\n")
    }

    /// The same with one more file, or another text in one.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Where it lies.
    pub(crate) fn library(&self) -> Library {
        Library::at(self.0.path())
    }
}
