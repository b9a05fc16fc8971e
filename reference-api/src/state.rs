//! What the handlers share. It is built once, in `main` or in a test, and cloned cheaply for each request.

use std::{
    fmt, io,
    io::Write as _,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use axum::extract::FromRef;
use secrecy::{ExposeSecret, SecretBox};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use thiserror::Error;

use crate::{
    auth::{access_token::AccessTokens, passwords::Passwords, refresh_token::RefreshTokens},
    clock::{Clock, Random, System},
    db::{self, OpenError},
    settings::Settings,
};

/// The service's state. Its parts reach the handlers by [`FromRef`], so a handler names only what it uses.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The settings, as they were at start-up.
    pub(crate) settings: Arc<Settings>,
    /// The database connections.
    pub(crate) db: SqlitePool,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The randomness.
    pub(crate) random: Arc<dyn Random>,
    /// Hashes and checks passwords.
    pub(crate) passwords: Passwords,
    /// Issues and checks access tokens.
    pub(crate) access_tokens: Arc<AccessTokens>,
    /// Computes and checks refresh tokens.
    pub(crate) refresh_tokens: Arc<RefreshTokens>,
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why the state could not be built. Nothing was started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The database is not usable.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The key file is not usable.
    #[error("the key file {path} cannot be used: {1}. Set auth.secret instead, or mend the file", path = .0.display())]
    KeyFile(PathBuf, #[source] io::Error),
}

impl AppState {
    /// Opens everything that the settings name.
    ///
    /// # Errors
    /// If the database or the key file is not usable; the text says what to do.
    pub async fn connect(settings: Settings) -> Result<Self, StartError> {
        Self::connect_with(settings, Arc::new(System), Arc::new(System)).await
    }

    /// The same with another clock and other randomness: the seams that tests use.
    ///
    /// # Errors
    /// As [`AppState::connect`].
    pub async fn connect_with(
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        // ANCHOR: one_pool
        // Opened once. Every clone of the state holds the same pool, so a request takes a connection that is open already.
        let db = db::open(&settings.database_url, settings.database_pool).await?;
        // ANCHOR_END: one_pool
        let secret = secret(&settings, &*random)?;
        Ok(Self {
            db,
            passwords: Passwords::new(Arc::clone(&random)),
            access_tokens: Arc::new(AccessTokens::new(&secret, settings.access_seconds)),
            refresh_tokens: Arc::new(RefreshTokens::new(&secret)),
            settings: Arc::new(settings),
            clock,
            random,
        })
    }
}

/// The secret that all keys are derived from: the setting, else a key file beside the database, made at the first start.
fn secret(settings: &Settings, random: &dyn Random) -> Result<SecretBox<[u8]>, StartError> {
    if let Some(secret) = &settings.auth_secret {
        return Ok(SecretBox::new(secret.expose_secret().as_bytes().into()));
    }
    let mut bytes = vec![0; 32];
    random.fill(&mut bytes);
    let database = SqliteConnectOptions::from_str(&settings.database_url);
    if settings.database_url.contains(":memory:") {
        // Sessions end with the process, and so does their database.
        return Ok(SecretBox::new(bytes.into()));
    }
    let path =
        database.map_or_else(|_| PathBuf::new(), |options| options.get_filename().with_extension("key"));
    let key = read_or_create(&path, &bytes).map_err(|error| StartError::KeyFile(path, error))?;
    Ok(SecretBox::new(key.into()))
}

fn read_or_create(path: &Path, fresh: &[u8]) -> io::Result<Vec<u8>> {
    // A temporary file is readable by its owner alone, and takes its name in one step: another process that starts at
    // the same moment finds either no key or a whole one.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("")))?;
    file.write_all(fresh)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            tracing::info!(path = %path.display(), "auth.secret is not set; made a key file");
            Ok(fresh.to_vec())
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            let key = std::fs::read(path)?;
            if key.len() < fresh.len() {
                return Err(io::Error::other(format!(
                    "it holds {} bytes and needs {}",
                    key.len(),
                    fresh.len()
                )));
            }
            Ok(key)
        }
        Err(error) => Err(error.error),
    }
}
