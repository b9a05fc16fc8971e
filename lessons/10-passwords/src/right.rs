//! What holds: a few hashes at a time, off the runtime and in memory that is kept; the same price for everybody; and old
//! hashes made new when their owner is there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use lab::Probes;
use tokio::sync::Semaphore;

use crate::{
    CORES, Login, Welcome,
    accounts::Accounts,
    argon::{Argon, Memory, POLICY, is_outdated, nobodys, price},
};

/// How many logins may wait for their turn. With two cores and 50 ms for a hash, the last of them waits less than a second.
pub const SEATS: usize = 32;

/// All of it.
pub async fn login_service(probes: Probes) -> Router {
    Router::new()
        .route("/login", post(login))
        .with_state(Service { accounts: Accounts::new(), passwords: Passwords::new(&probes) })
}

#[derive(Clone)]
struct Service {
    accounts: Accounts,
    passwords: Passwords,
}

/// Why nobody was let in.
#[derive(Debug)]
pub enum Refused {
    /// There is no such account, or the password is another one. The answer does not say which.
    Credentials,
    /// More logins are waiting than can be served soon.
    Busy,
    /// A hash panicked.
    Fault,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Credentials => StatusCode::UNAUTHORIZED.into_response(),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(),
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

// ANCHOR: passwords
/// Computes hashes: as many at once as there are cores. Cloning it is cheap.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon,
    seats: Arc<Semaphore>,
    permits: Arc<Semaphore>,
    memories: Arc<Mutex<Vec<Memory>>>,
    nobody: PasswordHash,
}

impl Passwords {
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon, &mut Memory) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        // A queue without an end answers everybody too late. Who finds no seat is told at once to come again.
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| Refused::Busy)?;
        // Waiting for a permit suspends this task and holds no thread.
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Refused::Fault)?;
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Both go along with the work: a client that hangs up ends the waiting below, but not the hash.
            let _held = (seat, permit);
            // Kept for the next login. Given back each time, the allocator may hold on to gigabytes after a storm, and
            // every page has to be mapped again for each hash.
            let mut memory = this.memories().pop().unwrap_or_else(|| this.argon.memory());
            let done = work(&this.argon, &mut memory);
            this.memories().push(memory);
            done
        });
        done.await.map_err(|_| Refused::Fault)
    }
    // ANCHOR_END: passwords

    /// As many permits as the experiment's machine has cores.
    pub fn new(probes: &Probes) -> Self {
        // A service asks `std::thread::available_parallelism`. Here it is a control, so that numbers agree everywhere.
        let cores = probes.control(CORES.name).and_then(|n| usize::try_from(n).ok()).unwrap_or(2);
        Self {
            argon: Argon::new(probes),
            seats: Arc::new(Semaphore::new(cores + SEATS)),
            permits: Arc::new(Semaphore::new(cores)),
            memories: Arc::default(),
            nobody: nobodys(&POLICY),
        }
    }

    /// Whether the password is the one that the hash was made of.
    ///
    /// # Errors
    /// If too many are waiting.
    pub async fn verify(&self, password: String, hash: &PasswordHash) -> Result<bool, Refused> {
        let hash = hash.clone();
        self.run(move |argon, memory| argon.verify_in(memory, &password, &hash)).await
    }

    /// A new hash of the password, at today's price.
    ///
    /// # Errors
    /// If too many are waiting.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, Refused> {
        self.run(move |argon, memory| argon.hash_in(memory, &password)).await
    }

    fn memories(&self) -> MutexGuard<'_, Vec<Memory>> {
        // A panic while a buffer was taken or returned leaves the list whole.
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ANCHOR: login
async fn login(
    State(Service { accounts, passwords }): State<Service>,
    Json(login): Json<Login>,
) -> Result<Json<Welcome>, Refused> {
    let stored = accounts.find(&login.user);
    // For an account that does not exist, a hash of the same price that no password fits: the work is the same.
    let hash = stored.as_ref().unwrap_or(&passwords.nobody);
    let right = passwords.verify(login.password.clone(), hash).await?;
    if !right || stored.is_none() {
        return Err(Refused::Credentials);
    }
    if is_outdated(&price(hash)) {
        // The one moment at which the service has the password to make a better hash of. If there is no seat, next time.
        if let Ok(new) = passwords.hash(login.password).await {
            accounts.replace(&login.user, hash, new);
        }
    }
    Ok(Json(Welcome { user: login.user }))
}
// ANCHOR_END: login
