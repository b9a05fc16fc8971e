//! The secret that all keys are derived from, where it is kept when nobody has set one, and how it is replaced.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretBox};
use thiserror::Error;

use crate::{
    clock::Random,
    db,
    settings::{SHORTEST_SECRET_BYTES, Settings},
};

/// Why the key file cannot be used.
#[derive(Debug, Error)]
#[error("the key file {} cannot be used: {cause}; mend or remove it, or set API_AUTH__SECRET", .path.display())]
pub struct KeyFileError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

// ANCHOR: key_rotation
/// The secret that signs, and those that signed before it and are still believed.
///
/// A secret is replaced in two steps: it moves to `auth.previous_secrets` and a new one takes its place, which ends no session;
/// when everything that was signed with it has expired, it is dropped. A secret that others have seen is dropped at once.
#[derive(Debug)]
pub struct Secrets {
    pub(crate) current: SecretBox<[u8]>,
    pub(super) previous: Vec<SecretBox<[u8]>>,
}

impl Secrets {
    /// The newest first: the first one signs, all of them check.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &SecretBox<[u8]>> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}
// ANCHOR_END: key_rotation

/// The secrets of the settings; without one, that of a key file.
///
/// # Errors
/// As [`find_current`].
pub(crate) fn find(settings: &Settings, random: &dyn Random) -> Result<Secrets, KeyFileError> {
    let previous = settings.previous_secrets.iter();
    let previous = previous.map(|secret| SecretBox::new(secret.expose_secret().as_bytes().into()));
    Ok(Secrets { current: find_current(settings, random)?, previous: previous.collect() })
}

/// The secret of the settings; without one, that of a key file beside the database, made at the first start.
///
/// A file and not a value for each start, so that a restart ends no session. Several replicas need the setting.
///
/// # Errors
/// If the file cannot be made or read, is too short, or can be read by others.
fn find_current(settings: &Settings, random: &dyn Random) -> Result<SecretBox<[u8]>, KeyFileError> {
    if let Some(secret) = &settings.auth_secret {
        return Ok(SecretBox::new(secret.expose_secret().as_bytes().into()));
    }
    let mut fresh = vec![0; SHORTEST_SECRET_BYTES];
    random.fill(&mut fresh);
    let Some(database) = db::file(settings.database_url.expose_secret()) else {
        // In memory: sessions end with the process, and so does the database that they are in.
        return Ok(SecretBox::new(fresh.into()));
    };
    let path = database.with_extension("key");
    match read_or_create(&path, fresh) {
        Ok(key) => Ok(SecretBox::new(key.into())),
        Err(cause) => Err(KeyFileError { path, cause }),
    }
}

/// A key for one purpose. What signs access tokens must not be able to make refresh tokens.
pub(crate) fn derive(secret: &SecretBox<[u8]>, purpose: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret()), purpose)
}

fn read_or_create(path: &Path, fresh: Vec<u8>) -> io::Result<Vec<u8>> {
    match File::open(path) {
        Ok(file) => return read(file),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => (),
    }
    // A temporary file is readable by its owner alone, and takes its name in one step: another process that starts at
    // the same moment finds either no key or a whole one.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("")))?;
    file.write_all(&fresh)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            tracing::warn!(path = %path.display(), "auth.secret is not set: made a key file; whoever reads it can make tokens");
            Ok(fresh)
        }
        // The other process was first, and its key is the one.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => read(File::open(path)?),
        Err(error) => Err(error.error),
    }
}

fn read(mut file: File) -> io::Result<Vec<u8>> {
    if readable_by_others(&file.metadata()?) {
        return Err(io::Error::other("others than its owner can read it (`chmod 600` mends that)"));
    }
    let mut key = Vec::new();
    file.read_to_end(&mut key)?;
    if key.len() < SHORTEST_SECRET_BYTES {
        return Err(io::Error::other(format!(
            "it holds {} bytes; {SHORTEST_SECRET_BYTES} are needed",
            key.len()
        )));
    }
    Ok(key)
}

#[cfg(unix)]
fn readable_by_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &fs::Metadata) -> bool {
    // The folder of the user's profile decides there.
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::System;

    impl Secrets {
        /// Bytes that say which secret they are, the newest first.
        pub(in crate::auth) fn numbered(numbers: &[u8]) -> Self {
            let mut secrets = numbers.iter().map(|number| SecretBox::new(vec![*number; 32].into()));
            Self { current: secrets.next().unwrap(), previous: secrets.collect() }
        }
    }

    fn in_folder(folder: &Path) -> Settings {
        Settings {
            database_url: format!("sqlite:{}", folder.join("api.sqlite").display()).into(),
            ..Settings::default()
        }
    }

    #[test]
    fn the_key_of_the_first_start_is_the_key_of_every_start() {
        let folder = tempfile::tempdir().unwrap();
        let first = find_current(&in_folder(folder.path()), &System).unwrap();
        let second = find_current(&in_folder(folder.path()), &System).unwrap();

        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 32);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        find_current(&in_folder(folder.path()), &System).unwrap();
        let path = folder.path().join("api.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

        let error = find_current(&in_folder(folder.path()), &System).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && error.contains("api.key"), "{error}");
    }

    #[test]
    fn a_key_that_was_cut_short_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        find_current(&in_folder(folder.path()), &System).unwrap();
        let path = folder.path().join("api.key");
        fs::write(&path, "short").unwrap();

        let error = find_current(&in_folder(folder.path()), &System).unwrap_err().to_string();

        assert!(error.contains("5 bytes"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
    }
}
