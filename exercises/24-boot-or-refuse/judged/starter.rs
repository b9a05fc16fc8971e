//! The shop's service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

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

/// Starts the service. The checks call it: keep its name and its type.
fn start(variables: Variables) -> Result<Router, Vec<String>> {
    Ok(Router::new()
        .route("/orders", post(order))
        .route("/admin", get(admin))
        .route("/about", get(about))
        .with_state(variables))
}

/// An order with its VAT.
async fn order(State(variables): State<Variables>, Json(order): Json<Order>) -> Json<Priced> {
    Json(order.priced(vat_percent(&variables)))
}

/// What only administrators may do.
async fn admin(State(variables): State<Variables>, headers: HeaderMap) -> StatusCode {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let key = variables.get("SHOP_SIGNING_KEY").unwrap_or("only-for-development-on-a-laptop");
    if is_admin_token(key, token) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

/// The settings, for the operators.
async fn about(State(variables): State<Variables>) -> Json<Value> {
    let profile = variables.get("SHOP_PROFILE").unwrap_or("development");
    let pool = variables.get("SHOP_POOL").and_then(|text| text.parse().ok()).unwrap_or(4);
    let all = format!("{variables:?}");
    Json(json!({ "profile": profile, "pool": pool, "vat_percent": vat_percent(&variables), "all": all }))
}

fn vat_percent(variables: &Variables) -> u64 {
    match variables.get("SHOP_VAT_PERCENT") {
        Some(text) => text.parse().unwrap_or_default(),
        None => 19,
    }
}
