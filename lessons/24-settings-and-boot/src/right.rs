//! What holds: settings are parsed once into types that cannot be wrong, a start tells all its faults and no secret, and
//! health is two questions.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use lab::Probes;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    Variables,
    database::{Database, SCHEMA, items},
    is_admin_token,
    rollout::{Order, Priced, Refused, Started},
};

/// All settings, as they were at the start.
#[derive(Clone, Debug, FromRef)]
struct Settings {
    pool: Pool,
    signing_key: SigningKey,
    vat: Vat,
}

/// How many database connections there are at most.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "the pool is opened in a service that has a database")]
struct Pool(u32);

/// The key of all signatures. `SecretString` has a `Debug` that prints `[REDACTED]`.
#[derive(Clone, Debug)]
struct SigningKey(SecretString);

/// A VAT rate, in percent.
#[derive(Clone, Copy, Debug)]
struct Vat(u64);

// ANCHOR: reader
/// Reads variable after variable, so that one fault does not hide the next.
struct Reader {
    variables: Variables,
    faults: Vec<String>,
}

impl Reader {
    /// A number within bounds.
    fn number<T>(&mut self, name: &str, bounds: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.variables.get(name) else {
            self.faults.push(format!("{name}: not set"));
            return None;
        };
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            self.faults.push(format!("{name}: {text:?} is no number from {least} to {most}"));
        }
        number
    }

    /// A key. There is no default: whoever has the source code would have the key.
    fn key(&mut self, name: &str) -> Option<SigningKey> {
        // As long as the hash that it is used with (RFC 7518 §3.2).
        const SHORTEST: usize = 32;
        let key = self.variables.get(name).filter(|key| key.len() >= SHORTEST);
        if key.is_none() {
            // The value is not repeated: it may be the beginning of the real one.
            self.faults.push(format!("{name}: fewer than {SHORTEST} bytes"));
        }
        key.map(|key| SigningKey(SecretString::from(key)))
    }
}

fn load(variables: Variables) -> Result<Settings, Refused> {
    let mut reader = Reader { variables, faults: Vec::new() };
    let pool = reader.number("SHOP_POOL", 1..=64).map(Pool);
    let signing_key = reader.key("SHOP_SIGNING_KEY");
    let vat = reader.number("SHOP_VAT_PERCENT", 0..=30).map(Vat);
    match (pool, signing_key, vat) {
        (Some(pool), Some(signing_key), Some(vat)) => Ok(Settings { pool, signing_key, vat }),
        _ => Err(reader.faults),
    }
}
// ANCHOR_END: reader

// ANCHOR: all_faults
/// Everything that can be wrong is found here, before there is a socket.
pub fn all_faults(variables: Variables) -> Result<Started, Refused> {
    let settings = load(variables)?;
    let log = format!("starting with {settings:?}");
    let service =
        Router::new().route("/orders", post(order)).route("/admin", get(admin)).with_state(settings);
    Ok(Started { service, log })
}

async fn order(State(Vat(percent)): State<Vat>, Json(order): Json<Order>) -> Json<Priced> {
    // No variable, no parsing, no default: the rate is a number, and was one before the first request.
    Json(order.priced(percent))
}
// ANCHOR_END: all_faults

async fn admin(State(SigningKey(key)): State<SigningKey>, headers: HeaderMap) -> StatusCode {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if is_admin_token(key.expose_secret(), token) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

// ANCHOR: two_probes
/// Whether the process answers at all. It asks nobody: a restart mends nothing outside of this process.
async fn live() -> StatusCode {
    StatusCode::OK
}

/// Whether a customer who is sent here now can be served.
async fn ready(State(database): State<Database>) -> StatusCode {
    // A database that says nothing is as far away as one that refuses.
    match tokio::time::timeout(Duration::from_secs(1), database.schema()).await {
        // Newer is fine: while a rollout lasts, the version before works on the new schema.
        Ok(Ok(schema)) if schema >= SCHEMA => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
// ANCHOR_END: two_probes

/// A service with one probe for each question.
pub async fn two_probes(_: Probes) -> Router {
    with(Database::default())
}

/// The same with a database of the caller's.
pub fn with(database: Database) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/items", get(items))
        .with_state(database.clone())
        .merge(database.levers())
}
