//! Lesson 11: what does it cost to know who asks?
//!
//! The lesson's own check, with the algorithm as the only difference: a secret that both sides share, and a key pair of which
//! the service has the public half. Beside them a session, found by the hash of what the client sent, as a service finds it
//! that keeps sessions: through a pool, in a table of ten thousand. SQLite is in the same process and in memory. A database
//! behind a network costs a round trip more.

use std::hint::black_box;

use access_tokens::{
    provider::{Draft, Provider, random_secret},
    right::Verifier,
};
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use criterion::Criterion;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode, get_current_timestamp};
use record::{Kind, Role};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use tokio::runtime::Builder;

use super::{Compares, DO_NOTHING, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "11-who-asks",
    question: "How long does it take to know who asks: from a signed token, and from a session in SQLite in memory?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        (DO_NOTHING, Role::Baseline),
        ("token-hs256", Role::Right),
        ("token-eddsa", Role::Right),
        ("session-lookup", Role::Right),
    ]),
    measure,
};

const SCHEMA: &str = "CREATE TABLE sessions (
    hash BLOB PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID";
/// Everybody else's. Random bytes lie in the index as hashes do.
const OTHERS: &str =
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9999)
    INSERT INTO sessions SELECT randomblob(32), 'user ' || n, 'user', ? FROM numbers";
const FIND: &str = "SELECT name, role FROM sessions WHERE hash = ? AND ends_at > ?";

#[expect(clippy::expect_used, reason = "without a runtime, keys and SQLite there is nothing to measure")]
fn measure(criterion: &mut Criterion, group: &Group) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let draft = Draft::access_token("ada", "user");
    let provider = Provider::of_this_process();
    let (secret, shared) = (provider.key(), provider.sign(&draft));
    let (public, paired) = signed_with_a_key_pair(&draft);
    let tokens = [
        ("token-hs256", Verifier::new(Algorithm::HS256, secret), shared),
        ("token-eddsa", Verifier::new(Algorithm::EdDSA, public), paired),
    ];
    let (sessions, session) = runtime.block_on(sessions()).expect("SQLite makes a database in memory");
    let mut benchmarks = criterion.benchmark_group(group.name);
    // The same runtime for all: the session needs one, and entering it is the baseline.
    benchmarks.bench_function(DO_NOTHING, |b| b.to_async(&runtime).iter(|| async { black_box("ada") }));
    for (name, verifier, token) in tokens {
        benchmarks.bench_function(name, |b| {
            b.to_async(&runtime).iter(|| async {
                let claims = verifier.check(black_box(&token));
                assert!(claims.is_some(), "an honest token was refused");
                claims
            });
        });
    }
    benchmarks.bench_function("session-lookup", |b| {
        b.to_async(&runtime).iter(|| async {
            let found = find(&sessions, black_box(&session)).await;
            assert!(found.is_ok_and(|user| user.is_some()), "a session was not found");
        });
    });
    benchmarks.finish();
}

#[expect(clippy::expect_used, reason = "a new key pair signs")]
fn signed_with_a_key_pair(draft: &Draft) -> (DecodingKey, String) {
    let pair = Ed25519KeyPair::generate().expect("the system gives random bytes");
    let private = pair.to_pkcs8().expect("a key pair has a form to be stored in");
    let header = Header { alg: Algorithm::EdDSA, ..draft.header.clone() };
    let token = encode(&header, &draft.claims, &EncodingKey::from_ed_der(private.as_ref()));
    (DecodingKey::from_ed_der(pair.public_key().as_ref()), token.expect("JSON can be signed"))
}

/// The table, and what one of its clients sends.
async fn sessions() -> Result<(SqlitePool, [u8; 32]), sqlx::Error> {
    // It lives in its one connection, so that connection stays open.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect("sqlite::memory:").await?;
    sqlx::query(SCHEMA).execute(&pool).await?;
    let (sent, ends_at) = (random_secret(), now() + 3600);
    sqlx::query(OTHERS).bind(ends_at).execute(&pool).await?;
    let one = sqlx::query("INSERT INTO sessions VALUES (?, 'ada', 'user', ?)").bind(hash(&sent));
    one.bind(ends_at).execute(&pool).await?;
    Ok((pool, sent))
}

async fn find(sessions: &SqlitePool, sent: &[u8]) -> Result<Option<(String, String)>, sqlx::Error> {
    sqlx::query_as(FIND).bind(hash(sent)).bind(now()).fetch_optional(sessions).await
}

/// What the table holds instead of what the client sends: lesson 12.
fn hash(sent: &[u8]) -> Vec<u8> {
    digest(&SHA256, sent).as_ref().to_vec()
}

fn now() -> i64 {
    get_current_timestamp().cast_signed()
}
