//! The voucher service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex, PoisonError};

use a_seam_for_tests::clock::{Clock, System};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

/// How long a voucher is good, in seconds.
const HOUR: u64 = 3600;

/// When each voucher was issued; the first one is `v1`.
type Vouchers = Arc<Mutex<Vec<u64>>>;

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(_clock: Arc<dyn Clock>) -> Router {
    Router::new()
        .route("/vouchers", post(issue))
        .route("/vouchers/{code}", get(look_up))
        .with_state(Vouchers::default())
}

/// Issues a voucher.
async fn issue(State(vouchers): State<Vouchers>) -> (StatusCode, Json<Value>) {
    let mut vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    vouchers.push(System.now());
    let code = format!("v{}", vouchers.len());
    let answer = json!({ "code": code, "issued_at": System.now(), "expires_at": System.now() + HOUR });
    (StatusCode::CREATED, Json(answer))
}

/// Says whether a voucher is good, and for how long.
async fn look_up(
    State(vouchers): State<Vouchers>,
    Path(code): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    let number: Option<usize> = code.strip_prefix('v').and_then(|number| number.parse().ok());
    let issued_at = number.and_then(|number| vouchers.get(number.checked_sub(1)?));
    let age = System.now() - issued_at.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "valid": age <= HOUR, "seconds_left": HOUR.saturating_sub(age) })))
}
