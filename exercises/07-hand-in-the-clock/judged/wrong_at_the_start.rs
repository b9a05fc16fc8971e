//! mistake: the clock is looked at once, when the service starts. No voucher ever ends.
//! fails: a_voucher_ends_in_the_second_that_it_says, a_request_looks_at_the_clock_once, a_clock_that_is_set_back_breaks_nothing

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
    now: u64,
    vouchers: Vouchers,
}

fn app(clock: Arc<dyn Clock>) -> Router {
    Router::new()
        .route("/vouchers", post(issue))
        .route("/vouchers/{code}", get(look_up))
        .with_state(Shop { now: clock.now(), vouchers: Vouchers::default() })
}

async fn issue(State(now): State<u64>, State(vouchers): State<Vouchers>) -> (StatusCode, Json<Value>) {
    let issued_at = now;
    // Kept as it was promised: what is decided later is compared with this number and not computed anew.
    let expires_at = issued_at + HOUR;
    let mut vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    vouchers.push(expires_at);
    let code = format!("v{}", vouchers.len());
    (StatusCode::CREATED, Json(json!({ "code": code, "issued_at": issued_at, "expires_at": expires_at })))
}

async fn look_up(
    State(now): State<u64>,
    State(vouchers): State<Vouchers>,
    Path(code): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    let number: Option<usize> = code.strip_prefix('v').and_then(|number| number.parse().ok());
    let expires_at =
        number.and_then(|number| vouchers.get(number.checked_sub(1)?)).ok_or(StatusCode::NOT_FOUND)?;
    let seconds_left = expires_at.saturating_sub(now);
    Ok(Json(json!({ "valid": seconds_left > 0, "seconds_left": seconds_left })))
}
