//! mistake: the clock is kept in the process, and the first service decides for all.
//! fails: the_time_in_an_answer_is_the_time_of_the_clock, a_voucher_ends_in_the_second_that_it_says, a_request_looks_at_the_clock_once, two_services_with_two_clocks_have_two_times, a_clock_that_is_set_back_breaks_nothing

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use a_seam_for_tests::clock::Clock;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

const HOUR: u64 = 3600;

/// When each voucher expires; the first one is `v1`.
type Vouchers = Arc<Mutex<Vec<u64>>>;

static CLOCK: OnceLock<Arc<dyn Clock>> = OnceLock::new();

fn now() -> u64 {
    CLOCK.get().map_or(0, |clock| clock.now())
}

fn app(clock: Arc<dyn Clock>) -> Router {
    CLOCK.get_or_init(|| clock);
    Router::new()
        .route("/vouchers", post(issue))
        .route("/vouchers/{code}", get(look_up))
        .with_state(Vouchers::default())
}

async fn issue(State(vouchers): State<Vouchers>) -> (StatusCode, Json<Value>) {
    let issued_at = now();
    // Kept as it was promised: what is decided later is compared with this number and not computed anew.
    let expires_at = issued_at + HOUR;
    let mut vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    vouchers.push(expires_at);
    let code = format!("v{}", vouchers.len());
    (StatusCode::CREATED, Json(json!({ "code": code, "issued_at": issued_at, "expires_at": expires_at })))
}

async fn look_up(
    State(vouchers): State<Vouchers>,
    Path(code): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let now = now();
    let vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    let number: Option<usize> = code.strip_prefix('v').and_then(|number| number.parse().ok());
    let expires_at =
        number.and_then(|number| vouchers.get(number.checked_sub(1)?)).ok_or(StatusCode::NOT_FOUND)?;
    let seconds_left = expires_at.saturating_sub(now);
    Ok(Json(json!({ "valid": seconds_left > 0, "seconds_left": seconds_left })))
}
