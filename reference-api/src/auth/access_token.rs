//! Access tokens: JWTs of one algorithm, one issuer, one audience, and minutes to live (RFC 9068, RFC 8725).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::SecretBox;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::secret::{Secrets, derive};
use crate::error::ApiError;

const ISSUER: &str = "reference-api";
const AUDIENCE: &str = "reference-api/v1";
/// RFC 9068 §2.1: an access token says that it is one, so that no other kind of JWT can be taken for it.
const TYPE: &str = "at+jwt";
/// RFC 9068 §2.2 wants the client named. There is one: whoever has the password. A second kind of client gets a name of its own.
const CLIENT: &str = "first-party";
/// Clocks of two machines differ by a little.
const LEEWAY_SECONDS: i64 = 5;

/// Issues and checks access tokens.
pub struct AccessTokens {
    /// The newest first: it signs. All of them check.
    keys: Vec<Key>,
    validation: Validation,
    seconds: i64,
}

struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Key {
    fn derived_from(secret: &SecretBox<[u8]>) -> Self {
        let derived = derive(secret, b"access-token");
        // A name for the key that says nothing about it, so that a token tells under which key it was made.
        let id = BASE64_URL_SAFE_NO_PAD.encode(&derive(secret, b"access-token key id").as_ref()[..6]);
        let (encoding, decoding) =
            (EncodingKey::from_secret(derived.as_ref()), DecodingKey::from_secret(derived.as_ref()));
        Self { id, encoding, decoding }
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    iss: String,
    /// A text and not a list: a token that is meant for others as well is refused.
    aud: String,
    sub: Uuid,
    sid: Uuid,
    client_id: String,
    /// Names this one token, for whoever follows it through logs of other services.
    jti: Uuid,
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
    /// Tokens that live that many seconds, signed with a key that is derived from the newest secret.
    pub fn new(secrets: &Secrets, seconds: u32) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // Naming issuer and audience checks them only where they are present. `Claims` asks for them as well; this line
        // keeps them needed if a field of it is ever made optional.
        validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        // The times are checked below, against the clock that a test can choose.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let keys = secrets.newest_first().map(Key::derived_from).collect();
        Self { keys, validation, seconds: i64::from(seconds) }
    }

    /// How long a token lives.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// A token for the subject, with that name.
    ///
    /// # Errors
    /// If signing fails, which is a fault of ours.
    pub(crate) fn issue(&self, subject: Subject, jti: Uuid, now: OffsetDateTime) -> Result<String, ApiError> {
        let key = self.keys.first().ok_or_else(|| ApiError::internal("there is no key to sign with"))?;
        let now = now.unix_timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.user,
            sid: subject.session,
            client_id: CLIENT.to_owned(),
            jti,
            iat: now,
            nbf: now,
            exp: now + self.seconds,
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.id.clone());
        encode(&header, &claims, &key.encoding).map_err(ApiError::internal)
    }

    // ANCHOR: access_token_checks
    /// Who the token was issued for, if every one of its claims is as we issue them.
    pub(crate) fn check(&self, token: &str, now: OffsetDateTime) -> Option<Subject> {
        // There is one key, or two while one replaces the other: a token of nobody costs as many signatures.
        let token = self.keys.iter().find_map(|key| {
            // One algorithm, named by us and not by the token. Issuer, audience and subject have to be there.
            let token = decode::<Claims>(token, &key.decoding, &self.validation).ok()?;
            // The name of a key is compared with the one that fits, and used for nothing else: no file, no address, no SQL.
            (token.header.kid.as_deref() == Some(&key.id)).then_some(token)
        })?;
        let (header, claims) = (token.header, token.claims);
        let ours = header.typ.as_deref() == Some(TYPE) && claims.client_id == CLIENT;
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

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;
    use serde_json::{Value, json};
    use time::{Duration, macros::datetime};

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);
    const SUBJECT: Subject = Subject { user: Uuid::from_u128(1), session: Uuid::from_u128(2) };

    const JTI: Uuid = Uuid::from_u128(3);

    fn tokens() -> AccessTokens {
        AccessTokens::new(&Secrets::numbered(&[7]), 900)
    }

    fn header() -> Value {
        json!({ "alg": "HS256", "typ": "at+jwt", "kid": tokens().keys[0].id })
    }

    fn claims() -> Value {
        let now = NOW.unix_timestamp();
        json!({
            "iss": "reference-api", "aud": "reference-api/v1", "sub": SUBJECT.user, "sid": SUBJECT.session,
            "client_id": "first-party", "jti": JTI,
            "iat": now, "nbf": now, "exp": now + 900,
        })
    }

    /// Signs any text with our own key, so that nothing but the text can be the reason for a refusal.
    fn signed(header: &str, claims: &str, algorithm: hmac::Algorithm) -> String {
        let key =
            hmac::Key::new(algorithm, derive(&SecretBox::new(vec![7; 32].into()), b"access-token").as_ref());
        let encode = |text: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let signature = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", encode(signature.as_ref()))
    }

    fn with(mut object: Value, name: &str, value: Value) -> String {
        object[name] = value;
        object.to_string()
    }

    fn without(mut object: Value, name: &str) -> String {
        object.as_object_mut().unwrap().remove(name).unwrap();
        object.to_string()
    }

    #[track_caller]
    fn assert_refused(name: &str, token: &str) {
        assert_eq!(tokens().check(token, NOW), None, "{name}: {token}");
    }

    #[test]
    fn a_token_names_whom_it_was_issued_for() {
        let token = tokens().issue(SUBJECT, JTI, NOW).unwrap();

        assert_eq!(tokens().check(&token, NOW), Some(SUBJECT));
    }

    // The tables below mean something only because of this one.
    #[test]
    fn a_token_that_is_made_by_hand_like_ours_is_accepted() {
        let token = signed(&header().to_string(), &claims().to_string(), hmac::HMAC_SHA256);

        assert_eq!(tokens().check(&token, NOW), Some(SUBJECT));
    }

    #[test]
    fn p09_a_token_lives_for_its_time_and_the_leeway() {
        let token = tokens().issue(SUBJECT, JTI, NOW).unwrap();
        for (seconds, alive) in
            [(-6, false), (-5, true), (0, true), (899, true), (904, true), (905, false), (906, false)]
        {
            let subject = tokens().check(&token, NOW + Duration::seconds(seconds));
            assert_eq!(subject.is_some(), alive, "after {seconds} s");
        }
    }

    #[test]
    fn p09_a_token_whose_header_is_not_ours_is_refused_though_its_signature_is_right() {
        let claims = claims().to_string();
        let sign = |header: &str| signed(header, &claims, hmac::HMAC_SHA256);
        for name in ["typ", "kid", "alg"] {
            assert_refused(name, &sign(&without(header(), name)));
        }
        for (name, value) in [
            ("typ", json!("JWT")),
            ("typ", json!("logout+jwt")),
            ("typ", json!("application/at+jwt; x")),
            ("alg", json!("none")),
            ("alg", json!("nOnE")),
            ("alg", json!("HS384")),
            ("alg", json!("HS512")),
            ("alg", json!("RS256")),
            ("kid", json!("../../dev/null")),
            ("kid", json!("x".repeat(64 * 1024))),
            ("kid", json!(["a"])),
            ("crit", json!(["b64"])),
            ("crit", json!([])),
        ] {
            assert_refused(name, &sign(&with(header(), name, value)));
        }
        let twice = header().to_string().replace('{', "{\"alg\":\"none\",");
        assert_refused("alg twice", &sign(&twice));
    }

    #[test]
    fn p09_a_token_whose_claims_are_not_ours_is_refused_though_its_signature_is_right() {
        let header = header().to_string();
        let sign = |claims: &str| signed(&header, claims, hmac::HMAC_SHA256);
        for name in ["iss", "aud", "sub", "sid", "client_id", "jti", "iat", "nbf", "exp"] {
            assert_refused(name, &sign(&without(claims(), name)));
        }
        let now = NOW.unix_timestamp();
        for (name, value) in [
            ("iss", json!("reference-api/")),
            ("iss", json!("Reference-API")),
            ("aud", json!("another-api")),
            ("aud", json!(["reference-api/v1", "another-api"])),
            ("aud", json!(["reference-api/v1"])),
            ("sub", json!("")),
            ("sub", json!("ada")),
            ("sid", json!(null)),
            ("client_id", json!("another-client")),
            ("jti", json!(7)),
            ("exp", json!(now - 6)),
            ("exp", json!(now + 10 * 365 * 24 * 3600)),
            ("exp", json!(null)),
            ("exp", json!("soon")),
            ("exp", json!(-1)),
            ("exp", json!(i64::MAX)),
            ("exp", json!(1e300)),
            ("iat", json!(now + 6)),
            ("iat", json!(i64::MIN)),
            ("nbf", json!(now + 6)),
            ("nbf", json!(i64::MAX)),
        ] {
            assert_refused(name, &sign(&with(claims(), name, value)));
        }
    }

    #[test]
    fn p09_a_token_with_another_algorithm_or_key_is_refused() {
        let claims = claims().to_string();
        for (name, algorithm) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
            let named = with(header(), "alg", json!(name));
            assert_refused(name, &signed(&named, &claims, algorithm));
            assert_refused("HS256 by name only", &signed(&header().to_string(), &claims, algorithm));
        }
        let other = AccessTokens::new(&Secrets::numbered(&[8]), 900);
        assert_refused("another key", &other.issue(SUBJECT, JTI, NOW).unwrap());
    }

    #[test]
    fn a_token_of_the_key_before_is_accepted_until_that_key_is_dropped() {
        let old = tokens().issue(SUBJECT, JTI, NOW).unwrap();
        let rotated = AccessTokens::new(&Secrets::numbered(&[8, 7]), 900);
        let new = rotated.issue(SUBJECT, JTI, NOW).unwrap();

        assert_eq!(rotated.check(&old, NOW), Some(SUBJECT));
        assert_eq!(rotated.check(&new, NOW), Some(SUBJECT));
        assert_eq!(AccessTokens::new(&Secrets::numbered(&[8]), 900).check(&old, NOW), None);
        // The new one is signed by the new key, whatever name it bears.
        assert_refused("new key", &new);
    }

    #[test]
    fn p09_a_token_without_a_signature_or_with_any_one_character_changed_is_refused() {
        let token = tokens().issue(SUBJECT, JTI, NOW).unwrap();
        let (message, _) = token.rsplit_once('.').unwrap();
        for form in [
            message.to_owned(),
            format!("{message}."),
            format!("{token}="),
            format!("{token}\n"),
            format!("{token}.x.y"),
        ] {
            assert_refused("form", &form);
        }
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert_refused("changed", &String::from_utf8(changed).unwrap());
        }
    }
}
