//! What people write. With good settings and a database that is there, every test is green.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use lab::Probes;

use crate::{
    Variables,
    database::{Database, items},
    is_admin_token,
    rollout::{Order, Priced, Refused, Started},
};

// ANCHOR: read_where_needed
/// Nothing can go wrong at the start, because nothing is looked at.
pub fn read_where_needed(variables: Variables) -> Result<Started, Refused> {
    let service =
        Router::new().route("/orders", post(order)).route("/admin", get(admin)).with_state(variables);
    Ok(Started { service, log: "starting".to_owned() })
}

async fn order(State(variables): State<Variables>, Json(order): Json<Order>) -> Json<Priced> {
    let percent = variables.get("SHOP_VAT_PERCENT").and_then(|text| text.parse().ok());
    Json(order.priced(percent.unwrap_or_default()))
}

async fn admin(State(variables): State<Variables>, headers: HeaderMap) -> StatusCode {
    // So that a new colleague can start the service without a key.
    let key = variables.get("SHOP_SIGNING_KEY").unwrap_or("change-me");
    answer(is_admin_token(key, bearer(&headers)))
}
// ANCHOR_END: read_where_needed

fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

fn answer(allowed: bool) -> StatusCode {
    if allowed { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

// ANCHOR: first_fault
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "the pool is opened in a service that has a database")]
struct Settings {
    pool: u32,
    signing_key: String,
    vat_percent: u64,
}

fn load(variables: &Variables) -> Result<Settings, String> {
    let get = |name| variables.get(name).ok_or(format!("{name} is not set"));
    Ok(Settings {
        pool: get("SHOP_POOL")?.parse().map_err(|error| format!("SHOP_POOL: {error}"))?,
        signing_key: get("SHOP_SIGNING_KEY")?.to_owned(),
        vat_percent: get("SHOP_VAT_PERCENT")?
            .parse()
            .map_err(|error| format!("SHOP_VAT_PERCENT: {error}"))?,
    })
}

/// Typed and read once. Whoever mends the first fault learns of the second one at the next start.
pub fn first_fault(variables: Variables) -> Result<Started, Refused> {
    let settings = load(&variables).map_err(|fault| vec![fault])?;
    let log = format!("starting with {settings:?}");
    // ANCHOR_END: first_fault
    async fn order(State(settings): State<Settings>, Json(order): Json<Order>) -> Json<Priced> {
        Json(order.priced(settings.vat_percent))
    }

    async fn admin(State(settings): State<Settings>, headers: HeaderMap) -> StatusCode {
        answer(is_admin_token(&settings.signing_key, bearer(&headers)))
    }

    let service =
        Router::new().route("/orders", post(order)).route("/admin", get(admin)).with_state(settings);
    Ok(Started { service, log })
}

/// The page that every framework's tutorial has.
pub async fn static_health(_: Probes) -> Router {
    // ANCHOR: static_health
    async fn health() -> &'static str {
        "healthy"
    }
    // ANCHOR_END: static_health

    let database = Database::default();
    Router::new()
        .route("/health/live", get(health))
        .route("/health/ready", get(health))
        .route("/items", get(items))
        .with_state(database.clone())
        .merge(database.levers())
}

/// One check that looks at everything, for both questions.
pub async fn liveness_asks(_: Probes) -> Router {
    // ANCHOR: liveness_asks
    async fn health(State(database): State<Database>) -> StatusCode {
        match database.schema().await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    // ANCHOR_END: liveness_asks

    let database = Database::default();
    Router::new()
        .route("/health/live", get(health))
        .route("/health/ready", get(health))
        .route("/items", get(items))
        .with_state(database.clone())
        .merge(database.levers())
}
