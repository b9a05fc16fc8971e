//! What the handlers share. It is built once, in `main` or in a test, and cloned cheaply for each request.

use std::{fmt, ops::Deref, sync::Arc};

use axum::extract::FromRef;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::{
    auth::{
        access_token::AccessTokens,
        passwords::Passwords,
        refresh_token::RefreshTokens,
        secret::{self, KeyFileError},
        throttle::{InMemory, Store, Throttle},
    },
    clock::{Clock, Random, System},
    db::{self, Db, OpenError},
    extract::InFlight,
    jobs::Jobs,
    live::Live,
    mail::{self, MailError, Mailer},
    metrics::Metrics,
    settings::Settings,
    shared::{Shared, SharedError},
    users::{self, MakeAdminError},
    webhooks::Outbound,
};

/// The service's state. A handler takes the whole, or by [`FromRef`] the one part that it uses.
///
/// A handle: axum and its layers clone the state about twenty times for each request. So a clone counts one reference, and not
/// one for each part.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// What the state is made of.
#[derive(Clone)]
pub struct Parts {
    /// The settings, as they were at start-up.
    pub(crate) settings: Arc<Settings>,
    /// The database connections.
    pub(crate) db: Db,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The randomness.
    pub(crate) random: Arc<dyn Random>,
    /// Hashes and checks passwords.
    pub(crate) passwords: Passwords,
    /// Limits attempts to log in.
    pub(crate) throttle: Throttle,
    /// Requests with an idempotency key that are at work.
    pub(crate) in_flight: InFlight,
    /// Issues and checks access tokens.
    pub(crate) access_tokens: Arc<AccessTokens>,
    /// Computes and checks refresh tokens.
    pub(crate) refresh_tokens: Arc<RefreshTokens>,
    /// Wakes those who do what is left to be done after an answer.
    pub(crate) jobs: Arc<Jobs>,
    /// Sends mails.
    pub(crate) mailer: Arc<dyn Mailer>,
    /// Sends requests to other people's servers.
    pub(crate) outbound: Arc<Outbound>,
    /// The open WebSockets.
    pub(crate) live: Arc<Live>,
    /// What is counted for Prometheus.
    pub(crate) metrics: Arc<Metrics>,
    /// Requests that may be at work at once.
    pub(crate) slots: Arc<Semaphore>,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

// A handler that needs the database alone asks for `State<Db>`, and its test needs no more than that.
impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
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
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Redis is not usable.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// Mails cannot be sent.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The client for webhooks cannot be built.
    #[error("the client for webhooks cannot be built: {0}")]
    Outbound(#[from] reqwest::Error),
}

impl AppState {
    /// Opens everything that the settings name.
    ///
    /// # Errors
    /// If the database or the key file is not usable; the text says what to do.
    pub async fn connect(settings: Settings) -> Result<Self, StartError> {
        Self::connect_with(settings, Arc::new(System), Arc::new(System)).await
    }

    // ANCHOR: composition_root
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
        let secrets = secret::find(&settings, &*random)?;
        let shared = match &settings.redis_url {
            Some(url) => Some(Arc::new(Shared::connect(url).await?)),
            None => None,
        };
        // Limits that several replicas have in common are counted where all of them can see it.
        let attempts: Arc<dyn Store> = match &shared {
            Some(shared) => Arc::clone(shared) as _,
            None => Arc::new(InMemory::default()),
        };
        Ok(Self(Arc::new(Parts {
            db,
            jobs: Arc::default(),
            mailer: mail::mailer(&settings)?.into(),
            outbound: Arc::new(Outbound::new(&settings, &secrets.current)?),
            live: Live::new(shared),
            metrics: Arc::default(),
            slots: Arc::new(Semaphore::new(settings.requests)),
            passwords: Passwords::new(&settings, Arc::clone(&random)),
            in_flight: InFlight::default(),
            throttle: Throttle::new(attempts, Arc::clone(&clock), settings.login_failures),
            access_tokens: Arc::new(AccessTokens::new(&secrets, settings.access_seconds)),
            refresh_tokens: Arc::new(RefreshTokens::new(&secrets)),
            settings: Arc::new(settings),
            clock,
            random,
        })))
    }
    // ANCHOR_END: composition_root

    /// The same state with another mailer: a seam for tests.
    #[must_use]
    pub fn with_mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        Self(Arc::new(Parts { mailer, ..Parts::clone(&self) }))
    }

    /// Says goodbye to every WebSocket and waits until they are closed.
    pub async fn close_sockets(&self) {
        self.live.close().await;
    }

    /// Closes the database connections: the last step of a stop.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Makes the account with that address an administrator, for as long as the row says so.
    ///
    /// # Errors
    /// If there is no such account, or the database cannot be used.
    pub async fn make_admin(&self, email: &str) -> Result<(), MakeAdminError> {
        users::make_admin(&self.db, email).await
    }
}
