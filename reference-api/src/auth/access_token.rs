//! Access tokens: JWTs of one algorithm, one issuer, one audience, and minutes to live (RFC 9068, RFC 8725).

use aws_lc_rs::hmac;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::{ExposeSecret, SecretBox};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::ApiError;

const ISSUER: &str = "reference-api";
const AUDIENCE: &str = "reference-api/v1";
/// RFC 9068 §2.1: an access token says that it is one, so that no other kind of JWT can be taken for it.
const TYPE: &str = "at+jwt";
/// Clocks of two machines differ by a little.
const LEEWAY_SECONDS: i64 = 5;

/// Issues and checks access tokens.
pub struct AccessTokens {
    key_id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    seconds: i64,
}

#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    iss: String,
    /// A text and not a list: a token that is meant for others as well is refused.
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Who an access token was issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The user.
    pub user: Uuid,
    /// The login that the token comes from.
    pub session: Uuid,
}

impl AccessTokens {
    /// Tokens that live that many seconds, signed with a key that is derived from the secret.
    pub fn new(secret: &SecretBox<[u8]>, seconds: u32) -> Self {
        // A key of its own for each purpose: what signs access tokens must not be able to make refresh tokens.
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret());
        let derived = hmac::sign(&key, b"access-token");
        let key_id = hmac::sign(&key, b"access-token-key-id").as_ref()[..4]
            .iter()
            .fold(String::new(), |id, byte| format!("{id}{byte:02x}"));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // Naming issuer and audience checks them only where they are present.
        validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        // The times are checked below, against the clock that a test can choose.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            key_id,
            encoding: EncodingKey::from_secret(derived.as_ref()),
            decoding: DecodingKey::from_secret(derived.as_ref()),
            validation,
            seconds: i64::from(seconds),
        }
    }

    /// How long a token lives.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// A token for the subject.
    ///
    /// # Errors
    /// If signing fails, which is a fault of ours.
    pub(crate) fn issue(&self, subject: Subject, now: OffsetDateTime) -> Result<String, ApiError> {
        let now = now.unix_timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.user,
            sid: subject.session,
            iat: now,
            nbf: now,
            exp: now + self.seconds,
        };
        self.sign(&claims).map_err(|error| ApiError::Internal(error.into()))
    }

    fn sign(&self, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.key_id.clone());
        encode(&header, claims, &self.encoding)
    }

    // ANCHOR: access_token_checks
    /// Who the token was issued for, if every one of its claims is as we issue them.
    pub(crate) fn check(&self, token: &str, now: OffsetDateTime) -> Option<Subject> {
        // One algorithm, named by us and not by the token. Issuer, audience and subject have to be there.
        let token = decode::<Claims>(token, &self.decoding, &self.validation).ok()?;
        let (header, claims) = (token.header, token.claims);
        let ours = header.typ.as_deref() == Some(TYPE) && header.kid.as_deref() == Some(&self.key_id);
        // A critical extension that we do not know must be refused (RFC 7515 §4.1.11), and we know none.
        let plain = header.crit.is_none();
        let now = now.unix_timestamp();
        let begun = claims.iat <= now + LEEWAY_SECONDS && claims.nbf <= now + LEEWAY_SECONDS;
        let alive = claims.exp > now - LEEWAY_SECONDS;
        // Signed with our key and good for ten years: that is no token of ours.
        let short_lived = claims.exp.checked_sub(claims.iat).is_some_and(|life| life <= self.seconds);
        (ours && plain && begun && alive && short_lived)
            .then_some(Subject { user: claims.sub, session: claims.sid })
    }
    // ANCHOR_END: access_token_checks
}
