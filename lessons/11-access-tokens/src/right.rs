//! What holds: everything that the provider promises of an access token is asked for, and a weak secret stops the start.

use axum::Router;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, get_current_timestamp};
use lab::Probes;
use serde::Deserialize;
use thiserror::Error;

use crate::{
    guess::{KNOWN_SECRETS, login_and_profile},
    profile::{Claims, service},
    provider::{AUDIENCE, ISSUER, LIFETIME_SECONDS, Provider, TYPE, random_secret},
};

/// Every claim is asked for.
pub async fn every_claim(_: Probes) -> Router {
    let verifier = Verifier::new(Algorithm::HS256, Provider::of_this_process().key());
    service(move |token| verifier.check(token))
}

// ANCHOR: verifier
/// Clocks of two machines differ by a little. The library's default is a minute.
const LEEWAY_SECONDS: u64 = 5;

/// Checks access tokens.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

/// What the check needs beyond the claims that it hands on.
#[derive(Deserialize)]
struct AccessClaims {
    iat: u64,
    exp: u64,
    #[serde(flatten)]
    claims: Claims,
}

impl Verifier {
    /// Built once, with the one algorithm that the key is for. What a token must say does not depend on the token.
    pub fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // The two lines above compare a claim that is present. This one makes its absence an error, and since it replaces
        // the default it has to repeat `exp`.
        validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        Self { key, validation }
    }

    /// The claims of a token that is in every respect as the provider issues it.
    pub fn check(&self, token: &str) -> Option<Claims> {
        let token = decode::<AccessClaims>(token, &self.key, &self.validation).ok()?;
        let AccessClaims { iat, exp, claims } = token.claims;
        // The provider signs other things with this key: links in mails, tokens about users. They say another type.
        let access_token = token.header.typ.as_deref() == Some(TYPE);
        // A critical extension that we do not know must be refused (RFC 7515 §4.1.11), and we know none.
        let plain = token.header.crit.is_none();
        let begun = iat <= get_current_timestamp() + LEEWAY_SECONDS;
        // Signed with the right key and good for ten years: the provider issues no such access token.
        let short_lived = exp.checked_sub(iat).is_some_and(|life| life <= LIFETIME_SECONDS);
        (access_token && plain && begun && short_lived).then_some(claims)
    }
}
// ANCHOR_END: verifier

/// The secret comes from the settings, and a bad one stops the start.
///
/// # Panics
/// If the random secret is refused, which it never is.
#[expect(clippy::expect_used, reason = "32 random bytes are a secret")]
pub async fn random(_: Probes) -> Router {
    let secret = Secret::new(&random_secret()).expect("32 random bytes are a secret");
    login_and_profile(Provider::new(&secret.0))
}

// ANCHOR: secret
/// A secret that tokens may be signed with.
pub struct Secret(Vec<u8>);

/// Why a text is no [`Secret`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WeakSecret {
    /// Shorter than the hash it is used with.
    #[error("the secret is {0} bytes; at least 32 are needed (`openssl rand -hex 32` makes one)")]
    Short(usize),
    /// Somebody has published it.
    #[error("the secret is a published sample; anybody can sign with it (`openssl rand -hex 32` makes one)")]
    Sample,
}

impl Secret {
    /// Takes the bytes from the settings, at the start and before a port is opened.
    ///
    /// # Errors
    /// If they are fewer than 32 (RFC 7518 §3.2: as long as the hash), or stand in a documentation page. No check can
    /// tell that bytes are random; this one catches what people really deploy.
    pub fn new(bytes: &[u8]) -> Result<Self, WeakSecret> {
        if KNOWN_SECRETS.iter().any(|known| known.as_bytes() == bytes) {
            return Err(WeakSecret::Sample);
        }
        if bytes.len() < 32 {
            return Err(WeakSecret::Short(bytes.len()));
        }
        Ok(Self(bytes.to_vec()))
    }
}
// ANCHOR_END: secret
