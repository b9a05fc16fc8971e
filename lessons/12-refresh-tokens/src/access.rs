//! Access tokens: signed, short-lived, and checked in every respect. Lesson 11 is about each of the checks.

use aws_lc_rs::rand;
use axum::http::{HeaderMap, StatusCode, header};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{store::random_token, users::User};

const ISSUER: &str = "https://lessons.example";
const AUDIENCE: &str = "profile";
/// RFC 9068: an access token says that it is one.
const TYPE: &str = "at+jwt";
const LIFETIME_SECONDS: u64 = 15 * 60;

/// The key of this process, and what a token must say.
pub struct AccessTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// What an access token says.
#[derive(Debug, Deserialize, Serialize)]
pub struct Claims {
    /// Who it was issued for.
    pub sub: String,
    /// What they may do.
    pub role: String,
    iss: String,
    aud: String,
    exp: u64,
    jti: String,
}

impl AccessTokens {
    /// A fresh random key: tokens end with the process.
    ///
    /// # Panics
    /// If the system has no randomness to give. Nothing that signs may start then.
    #[expect(clippy::expect_used, reason = "without randomness there is no key and nothing to serve")]
    pub fn new() -> Self {
        let mut secret = [0; 32];
        rand::fill(&mut secret).expect("the system gives random bytes");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // Naming an audience checks it where it is present. Only this makes its absence an error.
        validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        // The default lets a token pass for a minute after its end.
        validation.leeway = 5;
        Self {
            encoding: EncodingKey::from_secret(&secret),
            decoding: DecodingKey::from_secret(&secret),
            validation,
        }
    }

    /// A token for the user, with the role that the record says.
    ///
    /// # Errors
    /// 500 if signing fails.
    pub fn issue(&self, user: &User) -> Result<String, StatusCode> {
        let claims = Claims {
            sub: user.name.to_owned(),
            role: user.role.to_owned(),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: get_current_timestamp() + LIFETIME_SECONDS,
            // Two tokens of one second would else be the same text, and a log could not tell them apart.
            jti: random_token(),
        };
        let header = Header { typ: Some(TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.encoding).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The claims of the token in `Authorization`.
    ///
    /// # Errors
    /// 401 if there is none, or if it is not a valid access token. The status alone serves the experiment; a service
    /// also says `WWW-Authenticate`, as the reference API does.
    pub fn check(&self, headers: &HeaderMap) -> Result<Claims, StatusCode> {
        let token = bearer(headers)?;
        let token = decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| StatusCode::UNAUTHORIZED)?;
        if token.header.typ.as_deref() != Some(TYPE) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        Ok(token.claims)
    }
}

impl Default for AccessTokens {
    fn default() -> Self {
        Self::new()
    }
}

/// The token in `Authorization: Bearer …`.
///
/// # Errors
/// 401 if there is none.
pub fn bearer(headers: &HeaderMap) -> Result<&str, StatusCode> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)
}
