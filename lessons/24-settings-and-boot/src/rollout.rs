//! A rollout as a platform does it: the new version is started beside the old one, and replaces it if it comes up.

use aws_lc_rs::hmac;
use axum::{Json, Router, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lab::Probes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Variables;

/// The signing key of the version that serves. Stands for 32 random bytes that nobody has seen.
pub const SIGNING_KEY: &str = "p7Jd0aR1xVwK9sQ4mZb8TgYf2nLh6cEu";

/// What the old version was started with.
pub const GOOD: &[(&str, &str)] =
    &[("SHOP_POOL", "4"), ("SHOP_SIGNING_KEY", SIGNING_KEY), ("SHOP_VAT_PERCENT", "19")];

/// What the new version is started with: two values that are no numbers, and no key.
pub const BAD: &[(&str, &str)] = &[("SHOP_POOL", "many"), ("SHOP_VAT_PERCENT", "19%")];

/// The variables that are faulty in [`BAD`].
pub const FAULTY: [&str; 3] = ["SHOP_POOL", "SHOP_SIGNING_KEY", "SHOP_VAT_PERCENT"];

/// A service that has started.
#[derive(Debug)]
pub struct Started {
    /// Its routes: `POST /orders` and `GET /admin`.
    pub service: Router,
    /// What it logged while it started.
    pub log: String,
}

/// Why a service did not start: one line a fault, for the person who started it.
pub type Refused = Vec<String>;

/// Starts the old version with good settings and the new one with bad ones. Whoever serves in the end also says what
/// happened, at `GET /rollout`.
pub async fn roll_out(probes: Probes, start: fn(Variables) -> Result<Started, Refused>) -> Router {
    let old = begin(&probes, GOOD, start);
    let (serving, faults, service, log) = match (begin(&probes, BAD, start), old) {
        (Ok(new), _) => ("new", Vec::new(), new.service, new.log),
        (Err(faults), Ok(old)) => ("old", faults, old.service, old.log),
        (Err(faults), Err(_)) => ("nothing", faults, Router::new(), String::new()),
    };
    let said = json!({ "serving": serving, "faults": faults, "log": log });
    service.route("/rollout", get(async move || Json(said)))
}

/// Starts one version with good settings.
pub async fn run(probes: Probes, start: fn(Variables) -> Result<Started, Refused>) -> Router {
    begin(&probes, GOOD, start).map_or_else(|_| Router::new(), |started| started.service)
}

fn begin(
    probes: &Probes,
    values: &[(&'static str, &'static str)],
    start: fn(Variables) -> Result<Started, Refused>,
) -> Result<Started, Refused> {
    let variables = Variables::new(probes, values);
    let started = start(variables.clone());
    variables.boot_is_over();
    started
}

/// What `POST /orders` takes.
#[derive(Debug, Deserialize)]
pub struct Order {
    /// The price without VAT.
    pub cents: u64,
}

/// What it answers.
#[derive(Debug, Serialize)]
pub struct Priced {
    /// The price without VAT.
    pub cents: u64,
    /// The VAT on it.
    pub vat: u64,
}

impl Order {
    /// The order with its VAT.
    pub fn priced(&self, vat_percent: u64) -> Priced {
        Priced { cents: self.cents, vat: self.cents * vat_percent / 100 }
    }
}

/// What an administrator sends: a MAC over the word `admin`. Stands for any signed token.
pub fn admin_token(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), b"admin"))
}

/// Whether the token was made with that key.
pub fn is_admin_token(key: &str, token: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    // `verify` takes the same time for every wrong token.
    URL_SAFE_NO_PAD.decode(token).is_ok_and(|mac| hmac::verify(&key, b"admin", &mac).is_ok())
}
