//! Passwords: what is acceptable, and how they are hashed without holding up anybody else.

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
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::{clock::Random, error::ApiError, extract::Rules};

/// OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
const PARAMS: Params = Params::DEFAULT;

/// A longer one is refused, not cut: cutting would let two passwords be one.
const LONGEST: usize = 256;

/// What people choose when a rule asks for length, lower case, one a line. Short, because length has done most of the work;
/// a deployment that lowers the minimum should bring a longer list.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password as it was received: nothing is trimmed, nothing is normalised. It cannot be printed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password, example = "a long walk in the rain", max_length = 256)]
pub(crate) struct Password(SecretString);

impl Password {
    fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// For garde: long enough and not one of the first guesses. There is no rule about kinds of characters: such rules
    /// make passwords harder to remember and no harder to guess (NIST SP 800-63B-4 §3.1.1.2).
    pub(crate) fn acceptable(&self, rules: &Rules) -> garde::Result {
        let text = self.0.expose_secret();
        let length = text.chars().count();
        if length < rules.password_min {
            return Err(garde::Error::new(format!("length is lower than {}", rules.password_min)));
        }
        if length > LONGEST {
            return Err(garde::Error::new(format!("length is greater than {LONGEST}")));
        }
        if is_guessed_first(&text.to_lowercase()) {
            return Err(garde::Error::new("is among the first that anybody would try"));
        }
        Ok(())
    }

    /// Whether it holds the text, ignoring case.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.0.expose_secret().to_lowercase().contains(&text.to_lowercase())
    }
}

/// Whether an attacker's word list holds it, or a rule of one line makes it: a short unit again and again, or a run.
fn is_guessed_first(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().collect();
    let repeats = |unit: usize| letters.iter().zip(&letters[unit..]).all(|(one, next)| one == next);
    let steps = |by: i64| {
        letters.windows(2).all(|pair| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0])) == by)
    };
    // A unit of at most eight letters that fills the whole: `aaaa…`, `abcabc…`, `passwordpassword`.
    (1..=8).any(|unit| unit * 2 <= letters.len() && repeats(unit))
        || steps(1)
        || steps(-1)
        || COMMON.lines().any(|common| common == lower)
}

/// Hashes passwords: a few at a time, on threads that are made for it, in memory that is kept.
#[derive(Clone)]
pub struct Passwords(Arc<Hasher>);

struct Hasher {
    random: Arc<dyn Random>,
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
    pub fn new(random: Arc<dyn Random>) -> Self {
        // One permit per core: more hashes at once would not finish sooner, but each holds 19 MiB while it runs.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let nobody = Hasher::phc(&[0; 16], &[0; 32], &PARAMS);
        Self(Arc::new(Hasher {
            random,
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
    pub(crate) async fn hash(&self, password: Password) -> Result<String, ApiError> {
        let mut salt = [0; 16];
        self.0.random.fill(&mut salt);
        let output = self.compute(password, salt.to_vec(), PARAMS).await?;
        Ok(Hasher::phc(&salt, &output, &PARAMS).to_string())
    }

    /// Checks the password against the stored hash, or against nobody's where there is no account: the work is the same.
    ///
    /// # Errors
    /// If the stored hash cannot be read, which is a fault of ours.
    pub(crate) async fn check(&self, password: Password, stored: Option<&str>) -> Result<Checked, ApiError> {
        let parsed = stored.map(PasswordHash::new).transpose().map_err(ApiError::internal)?;
        let hash = parsed.as_ref().unwrap_or(&self.0.nobody);
        // The parameters of the stored hash, not today's: an old hash is computed as it was made.
        let params = Params::try_from(hash).map_err(ApiError::internal)?;
        let outdated = params.m_cost() < PARAMS.m_cost() || params.t_cost() < PARAMS.t_cost();
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
            return Err(ApiError::internal("a stored password hash lacks salt or hash"));
        };
        let output = self.compute(password, salt.as_ref().to_vec(), params).await?;
        // `Output` compares in constant time.
        Ok(match Output::new(&output).is_ok_and(|output| output == expected) && stored.is_some() {
            true if outdated => Checked::RightButOutdated,
            true => Checked::Right,
            false => Checked::Wrong,
        })
    }

    /// How many hashes were computed so far, right or wrong.
    pub fn computed(&self) -> u64 {
        self.0.computed.load(Ordering::Relaxed)
    }

    // ANCHOR: hash_off_the_runtime
    async fn compute(&self, password: Password, salt: Vec<u8>, params: Params) -> Result<[u8; 32], ApiError> {
        // Waiting for a permit suspends this task and holds no thread.
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(ApiError::internal)?;
        let hasher = Arc::clone(&self.0);
        let span = tracing::Span::current();
        // A worker thread of the runtime serves many requests; for the 20 ms and more of a hash it would serve none.
        let computed = tokio::task::spawn_blocking(move || {
            // The permit goes along with the work. A client that hangs up ends the waiting below, but not the hash, which
            // goes on using its core and its memory.
            let _permit = permit;
            let _in_span = span.enter();
            hasher.compute(&password, &salt, params)
        });
        computed.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }
    // ANCHOR_END: hash_off_the_runtime
}

impl Hasher {
    fn compute(&self, password: &Password, salt: &[u8], params: Params) -> Result<[u8; 32], argon2::Error> {
        // The 19 MiB are kept for the next login. Given back each time, glibc would go on holding gigabytes of them
        // after a storm of logins, and every page would have to be mapped again for each hash.
        let mut memory = self.memories().pop().unwrap_or_default();
        memory.resize(params.block_count(), Block::default());
        let mut output = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let computed =
            argon2.hash_password_into_with_memory(password.bytes(), salt, &mut output, &mut memory);
        self.memories().push(memory);
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
        Password(text.to_owned().into())
    }

    #[tokio::test]
    async fn a_storm_of_hashes_runs_on_as_many_buffers_as_there_are_cores() {
        let passwords = Passwords::new(Arc::new(System));
        let cores = thread::available_parallelism().unwrap().get();

        let hashes: Vec<_> = (0..4 * cores)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.hash(password("a long walk in the rain")).await })
            })
            .collect();
        for hash in hashes {
            hash.await.unwrap().unwrap();
        }

        assert!(passwords.0.memories().len() <= cores);
        assert_eq!(passwords.0.permits.available_permits(), cores);
    }

    #[tokio::test]
    async fn a_hash_goes_on_holding_its_permit_when_nobody_waits_for_it_any_more() {
        let passwords = Passwords::new(Arc::new(System));
        let cores = u32::try_from(thread::available_parallelism().unwrap().get()).unwrap();
        let started = passwords.clone();
        let waiting = tokio::spawn(async move { started.hash(password("a long walk in the rain")).await });
        // On this runtime of one thread the task runs until it waits, and it waits for its hash.
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());

        // All permits are to be had only when the hash is finished.
        let _all = passwords.0.permits.acquire_many(cores).await.unwrap();

        assert_eq!(passwords.computed(), 1);
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ_and_both_are_right() {
        let passwords = Passwords::new(Arc::new(System));
        let first = passwords.hash(password("a long walk in the rain")).await.unwrap();
        let second = passwords.hash(password("a long walk in the rain")).await.unwrap();

        assert_ne!(first, second);
        for stored in [first, second] {
            let check = async |text| passwords.check(password(text), Some(&stored)).await.unwrap();
            assert_eq!(check("a long walk in the rain").await, Checked::Right);
            assert_eq!(check("A long walk in the rain").await, Checked::Wrong);
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", password("a long walk in the rain")).contains("walk"));
    }

    #[test]
    fn runs_and_repetitions_are_guessed_first_and_sentences_are_not() {
        for easy in [
            "aaaaaaaaaaaaaaa",
            "abcabcabcabcabca",
            "abcdefghijklmnop",
            "ponmlkjihgfedcba",
            "1234567890123456",
        ] {
            assert!(is_guessed_first(easy), "{easy}");
        }
        for fine in ["a long walk in the rain", "twenty lower letters", "aaaaaaaaaaaaaab"] {
            assert!(!is_guessed_first(fine), "{fine}");
        }
    }
}
