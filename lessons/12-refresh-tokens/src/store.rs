//! The table of refresh tokens. It stands for a database: each call is one statement and one round trip.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::{digest, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use lab::{Backend, Probes};
use tokio::time::Instant;

use crate::users::{ADA, User};

/// A refresh token that Ada got before the service started, so that an experiment can present it at once.
pub const ISSUED_BEFORE: &str = "issued-before-the-experiment-began";

/// How long after its login a family ends, however often it was refreshed. Without an end, a token that nobody misses
/// would be a key for ever.
pub const FAMILY_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A hash of a refresh token. The token itself is stored nowhere, and is found by its hash alone: how long the search
/// takes says nothing about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A fast hash is enough for 256 random bits: there is nothing to guess, so nothing to slow down.
    pub fn of(token: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }
}

/// A new refresh token: 32 random bytes, with no meaning.
///
/// # Panics
/// If the system has no randomness to give.
#[expect(clippy::expect_used, reason = "a token that can be guessed must not be issued")]
pub fn random_token() -> String {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).expect("the system gives random bytes");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// All tokens that descend from one login.
pub type Family = u64;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name of the user it was issued for.
    pub user: String,
    /// The login that it descends from.
    pub family: Family,
    /// Whether it was exchanged before.
    pub used: bool,
    /// Whether its family was revoked.
    pub revoked: bool,
}

/// A client of the database. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Store {
    database: Backend,
    tables: Arc<Mutex<Tables>>,
}

#[derive(Debug, Default)]
struct Tables {
    tokens: HashMap<TokenHash, TokenRow>,
    families: HashMap<Family, FamilyRow>,
}

#[derive(Debug)]
struct TokenRow {
    user: String,
    family: Family,
    used: bool,
}

#[derive(Debug)]
struct FamilyRow {
    ends_at: Instant,
    revoked: bool,
}

impl Tables {
    fn start_family(&mut self) -> Family {
        let family = Family::try_from(self.families.len()).unwrap_or(Family::MAX);
        self.families.insert(family, FamilyRow { ends_at: Instant::now() + FAMILY_LIFETIME, revoked: false });
        family
    }

    fn insert(&mut self, hash: TokenHash, user: &User, family: Family) {
        self.tokens.insert(hash, TokenRow { user: user.name.to_owned(), family, used: false });
    }

    /// A token whose family has ended is as good as deleted.
    fn row(&self, hash: &TokenHash) -> Option<Row> {
        let token = self.tokens.get(hash)?;
        let family = self.families.get(&token.family).filter(|family| Instant::now() < family.ends_at)?;
        let TokenRow { user, family: id, used } = token;
        Some(Row { user: user.clone(), family: *id, used: *used, revoked: family.revoked })
    }

    fn mark_used(&mut self, hash: &TokenHash) {
        if let Some(token) = self.tokens.get_mut(hash) {
            token.used = true;
        }
    }
}

impl Store {
    /// A database that holds [`ISSUED_BEFORE`].
    pub fn new(probes: &Probes) -> Self {
        let mut tables = Tables::default();
        let family = tables.start_family();
        tables.insert(TokenHash::of(ISSUED_BEFORE), &ADA, family);
        Self { database: probes.backend("statements at the store"), tables: Arc::new(Mutex::new(tables)) }
    }

    /// `INSERT INTO families … RETURNING id`
    pub async fn start_family(&self) -> Family {
        self.statement().await.start_family()
    }

    /// `INSERT INTO tokens …`
    pub async fn insert(&self, hash: TokenHash, user: &User, family: Family) {
        self.statement().await.insert(hash, user, family);
    }

    /// `SELECT … FROM tokens JOIN families … WHERE hash = ? AND ends_at > now()`
    pub async fn find(&self, hash: &TokenHash) -> Option<Row> {
        self.statement().await.row(hash)
    }

    /// `UPDATE tokens SET used = true WHERE hash = ?`
    pub async fn mark_used(&self, hash: &TokenHash) {
        self.statement().await.mark_used(hash);
    }

    /// `UPDATE tokens SET used = true WHERE hash = ? AND NOT used AND family IN (neither revoked nor ended) RETURNING …`
    ///
    /// Of all who call it with one token, one gets the row.
    pub async fn consume(&self, hash: &TokenHash) -> Option<Row> {
        let mut tables = self.statement().await;
        let row = tables.row(hash).filter(|row| !row.used && !row.revoked)?;
        tables.mark_used(hash);
        Some(row)
    }

    /// `UPDATE families SET revoked = true WHERE id = ?`: also for tokens that are inserted later.
    pub async fn revoke(&self, family: Family) {
        if let Some(family) = self.statement().await.families.get_mut(&family) {
            family.revoked = true;
        }
    }

    /// One round trip, then the statement runs alone: that is what a database promises for a single statement.
    async fn statement(&self) -> MutexGuard<'_, Tables> {
        self.database.call().await;
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use lab::Controls;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[tokio::test(start_paused = true)]
    async fn a_family_ends_thirty_days_after_its_login_however_often_it_was_refreshed() {
        let store = Store::new(&Probes::new(Controls::default()));
        let [first, second] = [(); 2].map(|()| TokenHash::of(&random_token()));
        let family = store.start_family().await;
        store.insert(first, &ADA, family).await;

        tokio::time::advance(29 * DAY).await;
        assert!(store.consume(&first).await.is_some());
        store.insert(second, &ADA, family).await;
        tokio::time::advance(DAY).await;

        assert!(store.consume(&second).await.is_none());
    }

    #[tokio::test]
    async fn a_token_of_a_revoked_family_is_refused_although_it_was_never_used() {
        let store = Store::new(&Probes::new(Controls::default()));
        let hash = TokenHash::of(&random_token());
        let family = store.start_family().await;
        store.revoke(family).await;
        // As a refresh does that has consumed its token before the alarm and inserts the next one after it.
        store.insert(hash, &ADA, family).await;

        assert!(store.consume(&hash).await.is_none());
    }
}
