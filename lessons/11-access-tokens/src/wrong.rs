//! What people write. Each check lets an honest token in and refuses a forged signature, and that is what its test looks at.

use axum::Router;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use lab::Probes;

use crate::{
    guess::{FASTAPI_TUTORIAL, login_and_profile},
    profile::{Claims, service},
    provider::{AUDIENCE, ISSUER, Provider},
};

/// The library's defaults, and one line to silence it.
pub async fn defaults(_: Probes) -> Router {
    // ANCHOR: defaults
    fn check(token: &str, key: &DecodingKey) -> Option<Claims> {
        // Our tokens name an audience and the defaults expect none: without this field every token is refused.
        let validation = Validation { validate_aud: false, ..Validation::default() };
        decode(token, key, &validation).ok().map(|token| token.claims)
    }
    // ANCHOR_END: defaults

    let key = Provider::of_this_process().key();
    service(move |token| check(token, &key))
}

/// Issuer and audience are named, and the algorithm is taken from the token.
pub async fn header_algorithm(_: Probes) -> Router {
    // ANCHOR: header_algorithm
    fn check(token: &str, key: &DecodingKey) -> Option<Claims> {
        // Works with every token that the provider will ever sign, whatever it signs with. So it is the token that
        // decides how the token is checked.
        let mut validation = Validation::new(decode_header(token).ok()?.alg);
        // Checked where they are present. A token that has neither passes.
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        decode(token, key, &validation).ok().map(|token| token.claims)
    }
    // ANCHOR_END: header_algorithm

    let key = Provider::of_this_process().key();
    service(move |token| check(token, &key))
}

/// One algorithm, a short leeway, and a list of claims that have to be there.
pub async fn required_claims(_: Probes) -> Router {
    // ANCHOR: required_claims
    fn check(token: &str, key: &DecodingKey) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 5;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // The list does not add to the default, it replaces it. The default was `exp`.
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        decode(token, key, &validation).ok().map(|token| token.claims)
    }
    // ANCHOR_END: required_claims

    let key = Provider::of_this_process().key();
    service(move |token| check(token, &key))
}

/// The secret from the tutorial. Nothing complains about its length.
pub async fn tutorial_secret(_: Probes) -> Router {
    // ANCHOR: tutorial_secret
    const SECRET: &[u8] = b"secret";
    // ANCHOR_END: tutorial_secret

    login_and_profile(Provider::new(SECRET))
}

/// Long enough for every length check, and known to everybody who has read the tutorial it was copied from.
pub async fn sample_secret(_: Probes) -> Router {
    login_and_profile(Provider::new(FASTAPI_TUTORIAL.as_bytes()))
}
