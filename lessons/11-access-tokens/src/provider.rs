//! The identity provider: it signs tokens that other services check. It stands for a company's login service.

use std::sync::LazyLock;

use aws_lc_rs::rand;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

/// Who the provider is, in the claim `iss`.
pub const ISSUER: &str = "https://login.example";
/// Who we are, in the claim `aud` of a token that is meant for us.
pub const AUDIENCE: &str = "orders";
/// What the header says of an access token (RFC 9068 §2.1).
pub const TYPE: &str = "at+jwt";
/// How long the provider lets an access token live, in seconds.
pub const LIFETIME_SECONDS: u64 = 15 * 60;

/// A provider with its key. No `Debug`: what cannot be printed does not end in a log.
#[derive(Clone)]
pub struct Provider {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Provider {
    /// A provider that signs with that secret, whatever it is.
    pub fn new(secret: &[u8]) -> Self {
        Self { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret) }
    }

    /// The provider of this process, with a random secret.
    pub fn of_this_process() -> &'static Self {
        static PROVIDER: LazyLock<Provider> = LazyLock::new(|| Provider::new(&random_secret()));
        &PROVIDER
    }

    /// The key that a service checks signatures with.
    pub fn key(&self) -> DecodingKey {
        self.decoding.clone()
    }

    /// Signs what the draft says, also where it makes no sense.
    ///
    /// # Panics
    /// If the draft names an algorithm for which an HMAC secret is no key.
    #[expect(clippy::expect_used, reason = "a draft is written in the source and names an HMAC algorithm")]
    pub fn sign(&self, draft: &Draft) -> String {
        encode(&draft.header, &draft.claims, &self.encoding).expect("JSON can be signed with HMAC")
    }
}

/// 32 bytes that nobody can guess.
///
/// # Panics
/// If the system has no randomness to give. Nothing that signs may start then.
#[expect(clippy::expect_used, reason = "without randomness there is no key and nothing to serve")]
pub fn random_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    rand::fill(&mut secret).expect("the system gives random bytes");
    secret
}

/// A token before it is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The header.
    pub header: Header,
    /// The claims.
    pub claims: Value,
}

impl Draft {
    /// An access token as the provider issues it: all that is wrong with another token is wrong against this one.
    pub fn access_token(user: &str, role: &str) -> Self {
        let now = get_current_timestamp();
        Self {
            header: Header { typ: Some(TYPE.to_owned()), ..Header::new(Algorithm::HS256) },
            claims: json!({
                "iss": ISSUER, "aud": AUDIENCE, "sub": user, "role": role,
                "iat": now, "nbf": now, "exp": now + LIFETIME_SECONDS,
            }),
        }
    }

    /// The same token with that claim, new or changed.
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims[claim] = value.into();
        self
    }

    /// The same token without that claim.
    #[must_use]
    pub fn without(mut self, claim: &str) -> Self {
        if let Value::Object(claims) = &mut self.claims {
            claims.remove(claim);
        }
        self
    }
}
