//! Builds the book with mdBook, in-process, and brings the pages into memory.

use std::{collections::BTreeMap, fs, io, path::Path};

use mdbook_driver::{MDBook, config::Config};

use crate::{Fault, Library, check, expand::Expand};

/// The built book: paths with `/` and no leading one, and what lies there.
pub type Pages = BTreeMap<String, Vec<u8>>;

/// A book as it was built, and what is wrong with it.
#[derive(Debug)]
pub struct Built {
    /// The pages, styles, scripts and fonts.
    pub pages: Pages,
    /// Faults that leave every page readable.
    pub blemishes: Vec<Fault>,
}

/// Why there is no book.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Pages would have holes.
    #[error("the book has {}:\n{}", count(.0.len()), list(.0))]
    Faults(Vec<Fault>),
    /// mdBook has refused.
    #[error("mdBook cannot build the book: {0}")]
    Driver(String),
    /// A folder could not be written or read.
    #[error("the built book cannot be kept in {0}: {1}")]
    Disk(String, io::Error),
}

/// "1 fault", "3 faults".
pub(crate) fn count(faults: usize) -> String {
    format!("{faults} fault{}", if faults == 1 { "" } else { "s" })
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

/// Builds the book.
///
/// # Errors
/// If a chapter names something that does not exist, or if mdBook fails.
pub fn build(library: &Library) -> Result<Built, Failure> {
    let (holes, mut blemishes): (Vec<_>, Vec<_>) =
        check::sources(library).into_iter().partition(|fault| fault.hole);
    if !holes.is_empty() {
        return Err(Failure::Faults(holes));
    }
    let pages = pages(library)?;
    blemishes.extend(check::pages(library, &pages));
    blemishes.sort();
    // mdBook writes an image twice, once for readers without scripts.
    blemishes.dedup();
    Ok(Built { pages, blemishes })
}

fn pages(library: &Library) -> Result<Pages, Failure> {
    let target = library.target();
    let disk = |error| Failure::Disk(library.shown(&target).display().to_string(), error);
    fs::create_dir_all(&target).map_err(disk)?;
    // A folder of its own: two sites may start at the same moment.
    let folder = tempfile::Builder::new().prefix("book-").tempdir_in(&target).map_err(disk)?;

    let driver = |error: mdbook_driver::errors::Error| Failure::Driver(format!("{error:#}"));
    let mut config = Config::from_disk(library.book().join("book.toml")).map_err(driver)?;
    config.build.build_dir = folder.path().to_owned();
    let mut book = MDBook::load_with_config(library.book(), config).map_err(driver)?;
    book.with_preprocessor(Expand(library.clone()));
    book.build().map_err(driver)?;

    let mut pages = Pages::new();
    collect(folder.path(), "", &mut pages).map_err(disk)?;
    Ok(pages)
}

fn collect(folder: &Path, prefix: &str, pages: &mut Pages) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), pages)?;
        } else if !name.starts_with('.') {
            pages.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// All faults of the book; empty for a book that is whole.
///
/// # Errors
/// If mdBook fails on a book whose chapters have no holes.
pub fn faults(library: &Library) -> Result<Vec<Fault>, Failure> {
    match build(library) {
        Ok(built) => Ok(built.blemishes),
        // The blemishes of the chapters are told along with the holes, so that one check shows all there is to mend.
        Err(Failure::Faults(_)) => Ok(check::sources(library)),
        Err(other) => Err(other),
    }
}

/// The file that marks a folder as written by [`write`].
const MARK: &str = "built-by-cargo-study.txt";

/// Builds the book and writes it as static files, in place of what an earlier build has written there.
///
/// # Errors
/// If the book has a fault, or if the folder holds something else.
pub fn write(library: &Library, out: &Path) -> Result<(), Failure> {
    let built = build(library)?;
    if !built.blemishes.is_empty() {
        return Err(Failure::Faults(built.blemishes));
    }
    let disk = |error| Failure::Disk(out.display().to_string(), error);
    if out.exists() {
        let empty = fs::read_dir(out).map_err(disk)?.next().is_none();
        if !empty && !out.join(MARK).exists() {
            let says = "the folder holds something else; name an empty one, or a new one";
            return Err(disk(io::Error::new(io::ErrorKind::AlreadyExists, says)));
        }
        fs::remove_dir_all(out).map_err(disk)?;
    }
    for (path, bytes) in built.pages {
        let file = out.join(&path);
        fs::create_dir_all(file.parent().unwrap_or(out)).map_err(disk)?;
        fs::write(file, if path.ends_with(".html") { still(&path, bytes) } else { bytes }).map_err(disk)?;
    }
    fs::write(out.join("live.html"), LIVE_PAGE).map_err(disk)?;
    fs::write(out.join(MARK), "Written by `cargo study build`; the next build replaces this folder.\n")
        .map_err(disk)
}

/// Where links to the live parts of the site lead in a book without a server.
const LIVE_PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Only on the study site</title>\n\
    <body><h1>Only on the study site</h1>\n<p>This link leads to the running service. Start it with <code>cargo study</code>, \
    then open <code>http://localhost:4000/docs/</code>.</p>\n<p><a href=\"index.html\">Back to the book</a></p>\n</html>\n";

/// Turns the links of a page that need the server, the ones from the root, towards the page that says so.
fn still(path: &str, bytes: Vec<u8>) -> Vec<u8> {
    let up = "../".repeat(path.matches('/').count());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("<a href=\"/") {
        let end = after.find('"').unwrap_or(after.len());
        out.push_str(&format!("{before}<a href=\"{up}live.html"));
        rest = &after[end..];
    }
    out.push_str(rest);
    out.into_bytes()
}
