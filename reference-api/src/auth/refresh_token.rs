//! Refresh tokens: opaque to the client, and computed rather than stored.
//!
//! A token is the session's identifier, a generation, and a MAC over both. The row of the session says which generation is
//! the current one, so a token can be consumed and revoked like one that is stored, and a copy of the database holds none.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::secret::{Secrets, derive};

/// Names the kind, for people and for programs that look for leaked secrets.
const PREFIX: &str = "rt_";

/// Computes and checks refresh tokens.
#[derive(Debug)]
pub struct RefreshTokens {
    /// Makes tokens, and checks them first.
    current: hmac::Key,
    /// Made tokens before it.
    previous: Vec<hmac::Key>,
}

/// What a refresh token says, once its MAC is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) session: Uuid,
    pub(crate) generation: u32,
}

impl RefreshTokens {
    /// Tokens with a key that is derived from the secret and used for nothing else.
    pub fn new(secrets: &Secrets) -> Self {
        let key = |secret| hmac::Key::new(hmac::HMAC_SHA256, derive(secret, b"refresh-token").as_ref());
        Self { current: key(&secrets.current), previous: secrets.previous.iter().map(key).collect() }
    }

    /// The token of that generation. Computing it twice gives the same text.
    pub(crate) fn issue(&self, session: Uuid, generation: u32) -> String {
        let mut bytes = content(session, generation);
        bytes.extend_from_slice(hmac::sign(&self.current, &bytes).as_ref());
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a token, or `None` if we did not make it.
    pub(crate) fn read(&self, token: &str) -> Option<Presented> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (content, mac) = bytes.split_at_checked(20)?;
        // Compares in constant time.
        let ours = |key: &hmac::Key| hmac::verify(key, content, mac).is_ok();
        if !ours(&self.current) && !self.previous.iter().any(ours) {
            return None;
        }
        let (session, generation) = content.split_at(16);
        Some(Presented {
            session: Uuid::from_slice(session).ok()?,
            generation: u32::from_be_bytes(generation.try_into().ok()?),
        })
    }
}

fn content(session: Uuid, generation: u32) -> Vec<u8> {
    [session.as_bytes().as_slice(), &generation.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> RefreshTokens {
        RefreshTokens::new(&Secrets::numbered(&[7]))
    }

    #[test]
    fn a_token_is_read_as_it_was_issued() {
        let session = Uuid::from_u128(42);
        let token = tokens().issue(session, 3);

        assert_eq!(tokens().read(&token), Some(Presented { session, generation: 3 }));
    }

    #[test]
    fn a_token_with_any_one_character_changed_is_refused() {
        let token = tokens().issue(Uuid::from_u128(42), 3);
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(tokens().read(&changed), None, "{changed}");
        }
    }

    #[test]
    fn a_token_of_another_key_is_refused_and_one_of_the_key_before_is_read() {
        let old = tokens().issue(Uuid::from_u128(42), 3);
        let rotated = RefreshTokens::new(&Secrets::numbered(&[8, 7]));

        assert!(rotated.read(&old).is_some());
        assert_eq!(tokens().read(&rotated.issue(Uuid::from_u128(42), 3)), None);
        assert_eq!(RefreshTokens::new(&Secrets::numbered(&[8])).read(&old), None);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for junk in ["", "rt_", "rt_AAAA", "rt_%%%", "eyJhbGciOiJIUzI1NiJ9.e30.x"] {
            assert_eq!(tokens().read(junk), None, "{junk}");
        }
    }
}
