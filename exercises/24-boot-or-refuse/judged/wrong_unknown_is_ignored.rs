//! mistake: a variable that is spelled wrongly is passed over, and the default is used.
//! fails: a_variable_that_does_not_exist_is_a_fault

#[path = "../checks.rs"]
mod checks;

use std::{fmt, ops::RangeInclusive, str::FromStr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use serde_json::{Value, json};
use settings_and_boot::{
    Variables, is_admin_token,
    rollout::{Order, Priced},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    Development,
    Production,
}

/// Its `Debug` says that there is one, and no more.
struct SigningKey(String);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[derive(Debug)]
struct Settings {
    profile: Profile,
    pool: u32,
    signing_key: SigningKey,
    vat_percent: u64,
}

struct Reader {
    variables: Variables,
    faults: Vec<String>,
}

impl Reader {
    fn profile(&mut self) -> Option<Profile> {
        match self.variables.get("SHOP_PROFILE") {
            Some("development") => return Some(Profile::Development),
            Some("production") => return Some(Profile::Production),
            Some(other) => self.faults.push(format!("SHOP_PROFILE: {other:?} is neither of its two words")),
            None => self.faults.push("SHOP_PROFILE: not set".to_owned()),
        }
        None
    }

    fn number<T>(&mut self, name: &str, bounds: RangeInclusive<T>, default: Option<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let number = match self.variables.get(name) {
            Some(text) => text.parse().ok().filter(|number| bounds.contains(number)),
            None => default,
        };
        if number.is_none() {
            self.faults.push(format!("{name}: needs a number from {} to {}", bounds.start(), bounds.end()));
        }
        number
    }

    fn key(&mut self, profile: Option<Profile>) -> Option<SigningKey> {
        let set = self.variables.get("SHOP_SIGNING_KEY");
        // Only a profile that is known to be development gets by without a key.
        let key = if profile == Some(Profile::Development) {
            set.or(Some("only-for-development-on-a-laptop"))
        } else {
            set
        };
        let key = key.filter(|key| key.len() >= 32);
        if key.is_none() {
            self.faults.push("SHOP_SIGNING_KEY: needs at least 32 bytes".to_owned());
        }
        key.map(|key| SigningKey(key.to_owned()))
    }

    fn settings(mut self) -> Result<Settings, Vec<String>> {
        let profile = self.profile();
        let pool = self.number("SHOP_POOL", 1..=64, Some(4));
        let vat_default = (profile == Some(Profile::Development)).then_some(19);
        let vat_percent = self.number("SHOP_VAT_PERCENT", 0..=30, vat_default);
        let signing_key = self.key(profile);
        match (profile, pool, signing_key, vat_percent) {
            (Some(profile), Some(pool), Some(signing_key), Some(vat_percent)) if self.faults.is_empty() => {
                Ok(Settings { profile, pool, signing_key, vat_percent })
            }
            _ => Err(self.faults),
        }
    }
}

fn start(variables: Variables) -> Result<Router, Vec<String>> {
    let settings = Reader { variables, faults: Vec::new() }.settings()?;
    Ok(Router::new()
        .route("/orders", post(order))
        .route("/admin", get(admin))
        .route("/about", get(about))
        .with_state(Arc::new(settings)))
}

async fn order(State(settings): State<Arc<Settings>>, Json(order): Json<Order>) -> Json<Priced> {
    Json(order.priced(settings.vat_percent))
}

async fn admin(State(settings): State<Arc<Settings>>, headers: HeaderMap) -> StatusCode {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if is_admin_token(&settings.signing_key.0, token) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

async fn about(State(settings): State<Arc<Settings>>) -> Json<Value> {
    let profile = match settings.profile {
        Profile::Development => "development",
        Profile::Production => "production",
    };
    let Settings { pool, vat_percent, .. } = &*settings;
    Json(
        json!({ "profile": profile, "pool": pool, "vat_percent": vat_percent, "all": format!("{settings:?}") }),
    )
}
