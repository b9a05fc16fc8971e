//! Hashes passwords without holding up anybody else. What is acceptable as one stands in `password_rules.rs`.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::password_rules::Password;
use crate::{clock::Random, error::ApiError, settings::Settings};

/// How many hashes may wait for each that is computed. At 20 ms each the last of them waits for about a second; whoever comes
/// later is better told to come back than kept.
const WAITING_PER_CORE: usize = 64;

/// Hashes passwords: a few at a time, on threads that are made for it, in memory that is kept while there are more to come.
#[derive(Clone)]
pub struct Passwords(Arc<Hasher>);

struct Hasher {
    random: Arc<dyn Random>,
    /// What a new hash is made with.
    params: Params,
    /// Who may wait for a permit, or has one.
    places: Arc<Semaphore>,
    /// How many places there are.
    most: usize,
    permits: Arc<Semaphore>,
    memories: Mutex<Vec<Vec<Block>>>,
    computed: AtomicU64,
    /// A hash that nobody has the password of, so that an unknown address costs as much as a known one.
    nobody: PasswordHash,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

/// The right to compute hashes, one after the other, until its last copy is dropped.
#[derive(Clone)]
pub(crate) struct Turn(#[expect(dead_code, reason = "it is held, not read")] Arc<Held>);

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

/// Fields are dropped from first to last: whoever comes to the memory has given back its place already.
struct Held {
    _place: OwnedSemaphorePermit,
    _permit: OwnedSemaphorePermit,
    _memory: Memory,
}

/// The memory of all hashes. The last one out gives it back.
struct Memory(Arc<Hasher>);

impl Drop for Memory {
    fn drop(&mut self) {
        let Self(hasher) = self;
        // Asked after its own place was given back: of two that end together, at least one finds all places free.
        if hasher.places.available_permits() == hasher.most {
            hasher.memories().clear();
        }
    }
}

/// What a check of a password says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is the right one.
    Right,
    /// It is the right one, and the stored hash was made with weaker parameters than today's.
    RightButOutdated,
    /// It is not the right one, or there is no such account.
    Wrong,
}

impl Passwords {
    /// As many hashes at once as there are cores.
    ///
    /// # Panics
    /// If the settings are beyond what argon2 can do, which [`Settings`] does not let through.
    #[expect(clippy::expect_used, reason = "the settings are checked when they are read")]
    pub fn new(settings: &Settings, random: Arc<dyn Random>) -> Self {
        let params = Params::new(settings.argon2_kib, settings.argon2_passes, 1, None);
        let params = params.expect("the settings are within argon2's bounds");
        // One permit per core: more hashes at once would not finish sooner, but each holds 19 MiB while it runs.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let most = cores * (1 + WAITING_PER_CORE);
        let nobody = Hasher::phc(&[0; 16], &[0; 32], &params);
        Self(Arc::new(Hasher {
            random,
            params,
            places: Arc::new(Semaphore::new(most)),
            most,
            permits: Arc::new(Semaphore::new(cores)),
            memories: Mutex::default(),
            computed: AtomicU64::new(0),
            nobody,
        }))
    }

    /// A hash to store, with a fresh salt.
    ///
    /// # Errors
    /// If the hash cannot be computed, which is a fault of ours.
    pub(crate) async fn hash(&self, turn: &Turn, password: Password) -> Result<String, ApiError> {
        let mut salt = [0; 16];
        self.0.random.fill(&mut salt);
        let params = &self.0.params;
        let output = self.compute(turn, password, salt.to_vec(), params.clone()).await?;
        Ok(Hasher::phc(&salt, &output, params).to_string())
    }

    // ANCHOR: dummy_hash
    /// Checks the password against the stored hash, or against nobody's where there is no account: the work is the same.
    ///
    /// # Errors
    /// If the stored hash cannot be read, which is a fault of ours.
    pub(crate) async fn check(
        &self,
        turn: &Turn,
        password: Password,
        stored: Option<&str>,
    ) -> Result<Checked, ApiError> {
        let parsed = stored.map(PasswordHash::new).transpose().map_err(ApiError::internal)?;
        let hash = parsed.as_ref().unwrap_or(&self.0.nobody);
        // The parameters of the stored hash, not today's: an old hash is computed as it was made.
        let params = Params::try_from(hash).map_err(ApiError::internal)?;
        let today = &self.0.params;
        let outdated = params.m_cost() < today.m_cost() || params.t_cost() < today.t_cost();
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
            return Err(ApiError::internal("a stored password hash lacks salt or hash"));
        };
        let output = self.compute(turn, password, salt.as_ref().to_vec(), params).await?;
        // `Output` compares in constant time.
        Ok(match Output::new(&output).is_ok_and(|output| output == expected) && stored.is_some() {
            true if outdated => Checked::RightButOutdated,
            true => Checked::Right,
            false => Checked::Wrong,
        })
    }
    // ANCHOR_END: dummy_hash

    /// How many hashes were computed so far, right or wrong.
    pub fn computed(&self) -> u64 {
        self.0.computed.load(Ordering::Relaxed)
    }

    // ANCHOR: hash_off_the_runtime
    /// Waits until a core is free for a hash.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if so many wait that it would take too long.
    pub(crate) async fn turn(&self) -> Result<Turn, ApiError> {
        // The queue has an end: a login that would wait longer than anybody waits is told so at once.
        let place = Arc::clone(&self.0.places).try_acquire_owned();
        let place = place.map_err(|full| ApiError::Unavailable(full.into()))?;
        // Waiting for a permit suspends this task and holds no thread.
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(ApiError::internal)?;
        Ok(Turn(Arc::new(Held { _place: place, _permit: permit, _memory: Memory(Arc::clone(&self.0)) })))
    }

    async fn compute(
        &self,
        turn: &Turn,
        password: Password,
        salt: Vec<u8>,
        params: Params,
    ) -> Result<[u8; 32], ApiError> {
        let turn = turn.clone();
        let hasher = Arc::clone(&self.0);
        let span = tracing::Span::current();
        // A worker thread of the runtime serves many requests; for the 20 ms and more of a hash it would serve none.
        let computed = tokio::task::spawn_blocking(move || {
            // The permit goes along with the work. A client that hangs up ends the waiting below, but not the hash, which
            // goes on using its core and its memory.
            let _turn = turn;
            let _in_span = span.enter();
            hasher.compute(&password, &salt, params)
        });
        computed.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }
    // ANCHOR_END: hash_off_the_runtime
}

impl Hasher {
    fn compute(&self, password: &Password, salt: &[u8], params: Params) -> Result<[u8; 32], argon2::Error> {
        // ANCHOR: kept_hash_memory
        // The 19 MiB are kept for the next login while others are under way. Given back each time, every page would have
        // to be mapped and zeroed again for each hash, in the middle of a storm of logins.
        let mut memory = self.memories().pop().unwrap_or_default();
        memory.resize(params.block_count(), Block::default());
        let mut output = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let computed =
            argon2.hash_password_into_with_memory(password.bytes(), salt, &mut output, &mut memory);
        self.memories().push(memory);
        // ANCHOR_END: kept_hash_memory
        self.computed.fetch_add(1, Ordering::Relaxed);
        computed.map(|()| output)
    }

    fn memories(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        // A panic while a buffer was taken or returned leaves the list whole.
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::expect_used, reason = "salt and hash have the lengths that the format allows")]
    fn phc(salt: &[u8; 16], output: &[u8; 32], params: &Params) -> PasswordHash {
        PasswordHash {
            algorithm: Ident::new("argon2id").expect("a valid identifier"),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(params).expect("argon2's own parameters can be written"),
            salt: Some(Salt::new(salt).expect("16 bytes are a valid salt")),
            hash: Some(Output::new(output).expect("32 bytes are a valid hash")),
        }
    }
}

/// A hash as an older version would have stored it: valid, and far too cheap.
#[cfg(test)]
pub(crate) fn weak_hash(password: &str) -> String {
    let params = Params::new(8, 1, 1, None).unwrap();
    let mut output = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon2.hash_password_into(password.as_bytes(), &[9; 16], &mut output).unwrap();
    Hasher::phc(&[9; 16], &output, &params).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::System;

    fn password(text: &str) -> Password {
        Password::from_text(text)
    }

    fn passwords() -> Passwords {
        Passwords::new(&Settings::default(), Arc::new(System))
    }

    async fn hash(passwords: &Passwords) -> Result<String, ApiError> {
        let turn = passwords.turn().await?;
        passwords.hash(&turn, password("a long walk in the rain")).await
    }

    #[tokio::test]
    async fn a_storm_of_hashes_runs_on_as_many_buffers_as_there_are_cores_and_the_last_one_gives_them_back() {
        let passwords = passwords();
        let cores = thread::available_parallelism().unwrap().get();
        // Somebody who has a place and asks for nothing: the storm goes on.
        let place = Arc::clone(&passwords.0.places).try_acquire_owned().unwrap();

        let hashes: Vec<_> = (0..4 * cores)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { hash(&passwords).await })
            })
            .collect();
        for hash in hashes {
            hash.await.unwrap().unwrap();
        }

        assert!((1..=cores).contains(&passwords.0.memories().len()));
        assert_eq!(passwords.0.permits.available_permits(), cores);

        drop(place);
        hash(&passwords).await.unwrap();
        assert!(passwords.0.memories().is_empty());
    }

    #[tokio::test]
    async fn a_hash_goes_on_holding_its_permit_when_nobody_waits_for_it_any_more() {
        let passwords = passwords();
        let cores = u32::try_from(thread::available_parallelism().unwrap().get()).unwrap();
        let started = passwords.clone();
        let waiting = tokio::spawn(async move { hash(&started).await });
        // On this runtime of one thread the task runs until it waits, and it waits for its hash.
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());

        // All permits are to be had only when the hash is finished.
        let _all = passwords.0.permits.acquire_many(cores).await.unwrap();

        assert_eq!(passwords.computed(), 1);
    }

    #[tokio::test]
    async fn a_queue_that_is_full_turns_the_next_one_away_and_computes_nothing_for_it() {
        let passwords = passwords();
        let places = u32::try_from(passwords.0.places.available_permits()).unwrap();
        let all = passwords.0.places.acquire_many(places).await.unwrap();

        let refused = hash(&passwords).await;

        assert!(matches!(refused, Err(ApiError::Unavailable(_))));
        assert_eq!(passwords.computed(), 0);
        drop(all);
        hash(&passwords).await.unwrap();
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ_and_both_are_right() {
        let passwords = passwords();
        let first = hash(&passwords).await.unwrap();
        let second = hash(&passwords).await.unwrap();

        assert_ne!(first, second);
        for stored in [first, second] {
            let turn = passwords.turn().await.unwrap();
            let check = async |text| passwords.check(&turn, password(text), Some(&stored)).await.unwrap();
            assert_eq!(check("a long walk in the rain").await, Checked::Right);
            assert_eq!(check("A long walk in the rain").await, Checked::Wrong);
        }
    }
}
