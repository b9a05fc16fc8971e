//! The profiles are a table, and a name is taken out of the map when it is read: what is left over does not exist.
//!
//! There is no settings struct that could be printed. Each handler is a closure that holds its own value, so the key is in one
//! of them and nowhere else. With twenty settings a struct reads better.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use serde_json::{Map, Value, json};
use settings_and_boot::{Variables, is_admin_token, rollout::Order};

type Checked<T> = Result<T, String>;

struct Profile {
    name: &'static str,
    key: Option<&'static str>,
    vat: Option<u64>,
}

const PROFILES: [Profile; 2] = [
    Profile { name: "development", key: Some("only-for-development-on-a-laptop"), vat: Some(19) },
    Profile { name: "production", key: None, vat: None },
];

/// Stands for a profile that is not known: the strictest one, so that its faults are told, too.
const UNKNOWN: &Profile = &PROFILES[1];

fn number(text: Option<&Value>, least: u64, most: u64, default: Option<u64>) -> Checked<u64> {
    let number = match text {
        Some(text) => text.as_str().and_then(|text| text.parse().ok()).filter(|n| (least..=most).contains(n)),
        None => default,
    };
    number.ok_or_else(|| format!("from {least} to {most}"))
}

fn start(variables: Variables) -> Result<Router, Vec<String>> {
    let mut rest: Map<String, Value> = variables
        .names()
        .filter(|name| name.starts_with("SHOP_"))
        .map(|name| (name.to_owned(), variables.get(name).into()))
        .collect();
    let asked = rest.remove("SHOP_PROFILE");
    let found = PROFILES.iter().find(|profile| asked.as_ref().is_some_and(|asked| asked == profile.name));
    let profile = found.unwrap_or(UNKNOWN);
    let pool = number(rest.remove("SHOP_POOL").as_ref(), 1, 64, Some(4));
    let vat = number(rest.remove("SHOP_VAT_PERCENT").as_ref(), 0, 30, profile.vat);
    let key = rest.remove("SHOP_SIGNING_KEY").and_then(|key| key.as_str().map(str::to_owned));
    let key = key.or(profile.key.map(str::to_owned)).filter(|key| key.len() >= 32);

    let mut faults: Vec<String> = rest.keys().map(|name| format!("{name} is not known")).collect();
    faults.extend(found.is_none().then(|| "SHOP_PROFILE is development or production".to_owned()));
    faults.extend(pool.as_ref().err().map(|bounds| format!("SHOP_POOL goes {bounds}")));
    faults.extend(vat.as_ref().err().map(|bounds| format!("SHOP_VAT_PERCENT goes {bounds}")));
    faults.extend(key.is_none().then(|| "SHOP_SIGNING_KEY has 32 bytes or more".to_owned()));
    match (pool, vat, key) {
        (Ok(pool), Ok(vat), Some(key)) if faults.is_empty() => Ok(service(profile.name, pool, vat, key)),
        _ => Err(faults),
    }
}

/// The handlers hold what they need: nothing else can reach the key.
fn service(profile: &'static str, pool: u64, vat: u64, key: String) -> Router {
    let about = json!({ "profile": profile, "pool": pool, "vat_percent": vat });
    Router::new()
        .route("/orders", post(async move |Json(order): Json<Order>| Json(order.priced(vat))))
        .route("/admin", get(move |headers: HeaderMap| std::future::ready(admin(&key, &headers))))
        .route("/about", get(async move || Json(about)))
}

fn admin(key: &str, headers: &HeaderMap) -> StatusCode {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if is_admin_token(key, token) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}
