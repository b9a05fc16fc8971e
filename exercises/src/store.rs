//! Files that are replaced in one step, by one writer at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::Path,
};

/// Beginnings of files that were being written carry this name until they are complete.
const UNFINISHED: &str = ".unfinished-";

/// Puts the bytes in the place of the file. Whoever reads it, or finds it after a crash, sees the old content or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // In the same folder: a rename is one step only within a file system.
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    // Without this the name may reach the disk before the content, and a power cut leaves an empty file.
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Makes the names in a folder last, where the system has such a call.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Waits until nobody else holds the lock, and holds it until the result is dropped.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = lockable(path)?;
    file.lock()?;
    Ok(file)
}

/// The same without waiting: `None` if somebody else holds it.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = lockable(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lockable(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // A file of its own: the one that it protects is replaced, and a lock would stay with the replaced one.
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Removes what a writer that was killed has left behind. Call it under the lock: nobody else is writing then.
pub(crate) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
