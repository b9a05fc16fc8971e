//! The table of refresh tokens. It stands for a database: each call is one statement and one round trip.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::{digest, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use lab::{Backend, Probes};

use crate::users::{ADA, User};

/// A refresh token that Ada got before the service started, so that an experiment can present it at once.
pub const ISSUED_BEFORE: &str = "issued-before-the-experiment-began";

/// A hash of a refresh token. The token itself is stored nowhere.
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
    tokens: HashMap<TokenHash, (String, Family, bool)>,
    revoked: HashSet<Family>,
    families: Family,
}

impl Tables {
    fn row(&self, hash: &TokenHash) -> Option<Row> {
        let (user, family, used) = self.tokens.get(hash)?.clone();
        Some(Row { user, family, used, revoked: self.revoked.contains(&family) })
    }
}

impl Store {
    /// A database that holds [`ISSUED_BEFORE`].
    pub fn new(probes: &Probes) -> Self {
        let mut tables = Tables { families: 1, ..Tables::default() };
        tables.tokens.insert(TokenHash::of(ISSUED_BEFORE), (ADA.name.to_owned(), 1, false));
        Self { database: probes.backend("statements at the store"), tables: Arc::new(Mutex::new(tables)) }
    }

    /// `INSERT INTO families … RETURNING id`
    pub async fn start_family(&self) -> Family {
        let mut tables = self.statement().await;
        tables.families += 1;
        tables.families
    }

    /// `INSERT INTO tokens …`
    pub async fn insert(&self, hash: TokenHash, user: &User, family: Family) {
        self.statement().await.tokens.insert(hash, (user.name.to_owned(), family, false));
    }

    /// `SELECT … FROM tokens JOIN families … WHERE hash = ?`
    pub async fn find(&self, hash: &TokenHash) -> Option<Row> {
        self.statement().await.row(hash)
    }

    /// `UPDATE tokens SET used = true WHERE hash = ?`
    pub async fn mark_used(&self, hash: &TokenHash) {
        if let Some((_, _, used)) = self.statement().await.tokens.get_mut(hash) {
            *used = true;
        }
    }

    /// `UPDATE tokens SET used = true WHERE hash = ? AND NOT used AND family NOT IN (revoked) RETURNING …`
    ///
    /// Of all who call it with one token, one gets the row.
    pub async fn consume(&self, hash: &TokenHash) -> Option<Row> {
        let mut tables = self.statement().await;
        let row = tables.row(hash).filter(|row| !row.used && !row.revoked)?;
        if let Some((_, _, used)) = tables.tokens.get_mut(hash) {
            *used = true;
        }
        Some(row)
    }

    /// `UPDATE families SET revoked = true WHERE id = ?`: also for tokens that are inserted later.
    pub async fn revoke(&self, family: Family) {
        self.statement().await.revoked.insert(family);
    }

    /// One round trip, then the statement runs alone: that is what a database promises for a single statement.
    async fn statement(&self) -> MutexGuard<'_, Tables> {
        self.database.call().await;
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
