//! The request has a time: a layer looks at the clock once and puts the second into the extensions, an extractor takes it out.
//!
//! However many handlers, extractors and layers need the time, they agree on it. The handlers do not know that there is a clock.
//! The price is a layer that has to be around every route that needs it, and an extractor that refuses where it is not.

#[path = "../checks.rs"]
mod checks;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use a_seam_for_tests::clock::Clock;
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, Request, State},
    http::{StatusCode, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

/// When the request came, in seconds since 1970.
#[derive(Clone, Copy)]
struct Now(u64);

impl<S: Send + Sync> FromRequestParts<S> for Now {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().copied().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

async fn stamp(State(clock): State<Arc<dyn Clock>>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Now(clock.now()));
    next.run(request).await
}

type Vouchers = Arc<Mutex<HashMap<String, u64>>>;

fn app(clock: Arc<dyn Clock>) -> Router {
    Router::new()
        .route("/vouchers", post(issue))
        .route("/vouchers/{code}", get(look_up))
        .route_layer(from_fn_with_state(clock, stamp))
        .with_state(Vouchers::default())
}

async fn issue(Now(now): Now, State(vouchers): State<Vouchers>) -> (StatusCode, Json<Value>) {
    let mut vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    let (code, expires_at) = (format!("v{}", vouchers.len() + 1), now + 3600);
    vouchers.insert(code.clone(), expires_at);
    (StatusCode::CREATED, Json(json!({ "code": code, "issued_at": now, "expires_at": expires_at })))
}

async fn look_up(
    Now(now): Now,
    State(vouchers): State<Vouchers>,
    Path(code): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let vouchers = vouchers.lock().unwrap_or_else(PoisonError::into_inner);
    let left = vouchers.get(&code).ok_or(StatusCode::NOT_FOUND)?.saturating_sub(now);
    Ok(Json(json!({ "valid": left > 0, "seconds_left": left })))
}
