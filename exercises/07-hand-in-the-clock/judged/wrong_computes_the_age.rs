//! mistake: the age of a voucher is computed without a thought of a clock that is set back.
//! fails: a_clock_that_is_set_back_breaks_nothing

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex, PoisonError};

use a_seam_for_tests::clock::Clock;
use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

const HOUR: u64 = 3600;

/// When each voucher expires; the first one is `v1`.
type Vouchers = Arc<Mutex<Vec<u64>>>;

#[derive(Clone, FromRef)]
struct Shop {
    clock: Arc<dyn Clock>,
    vouchers: Vouchers,
}

fn app(clock: Arc<dyn Clock>) -> Router {
    Router::new()
        .route("/vouchers", post(issue))
        .route("/vouchers/{code}", get(look_up))
        .with_state(Shop { clock, vouchers: Vouchers::default() })
}

async fn issue(
    State(clock): State<Arc<dyn Clock>>,
    State(vouchers): State<Vouchers>,
) -> (StatusCode, Json<Value>) {
    let issued_at = clock.now();
    // Kept as it was promised: what is decided later is compared with this number and not computed anew.
    let expires_at = issued_at + HOUR;
    let mut vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    vouchers.push(expires_at);
    let code = format!("v{}", vouchers.len());
    (StatusCode::CREATED, Json(json!({ "code": code, "issued_at": issued_at, "expires_at": expires_at })))
}

async fn look_up(
    State(clock): State<Arc<dyn Clock>>,
    State(vouchers): State<Vouchers>,
    Path(code): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let now = clock.now();
    let vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    let number: Option<usize> = code.strip_prefix('v').and_then(|number| number.parse().ok());
    let expires_at =
        number.and_then(|number| vouchers.get(number.checked_sub(1)?)).ok_or(StatusCode::NOT_FOUND)?;
    let age = now - (expires_at - HOUR);
    let seconds_left = HOUR.saturating_sub(age);
    Ok(Json(json!({ "valid": seconds_left > 0, "seconds_left": seconds_left })))
}
