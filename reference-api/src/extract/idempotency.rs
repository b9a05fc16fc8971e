//! `Idempotency-Key`: a POST that is sent again has one effect and one answer (draft-ietf-httpapi-idempotency-key-header).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::digest::{Context, SHA256};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{Tx, body::read};
use crate::{
    auth::CurrentUser,
    db::{Executor, OnConflict, Unique},
    error::ApiError,
    state::AppState,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const LONGEST_KEY: usize = 255;
/// How long an answer is kept for repetitions: a day, as Stripe does.
const KEPT_SECONDS: i64 = 24 * 60 * 60;
const ONE_EACH: Unique =
    Unique { name: "idempotency_keys_pkey", columns: "idempotency_keys.user_id, idempotency_keys.key" };

/// The keys whose first request is at work in this process.
///
/// A second request could wait in the database until the first commits. It would hold one of few connections while it waits;
/// so it is told to come back. Between two replicas the primary key decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<(Uuid, String)>>>);

/// Ends with the request, however that ends.
struct Begun {
    all: InFlight,
    key: (Uuid, String),
}

impl InFlight {
    fn begin(&self, user: Uuid, key: &str) -> Option<Begun> {
        let key = (user, key.to_owned());
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        first.then(|| Begun { all: self.clone(), key })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[derive(sqlx::FromRow)]
struct AnswerRow {
    fingerprint: Vec<u8>,
    status: i64,
    location: Option<String>,
    etag: Option<String>,
    body: Vec<u8>,
}

// ANCHOR: idempotency_key
/// Gives a repeated request the answer of the first, around a route that writes by [`Tx`].
///
/// Key and answer are stored in the transaction that holds the effect: there is no moment at which one is stored and the other
/// is not. Only a success is kept. After an error nothing has happened, and the same key may try again.
pub(crate) async fn replay_repeated(
    State(state): State<AppState>,
    user: CurrentUser,
    tx: Tx,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(key) = key(request.headers())? else { return Ok(next.run(request).await) };
    let _begun = state.in_flight.begin(user.id, &key).ok_or(ApiError::IdempotencyInProgress)?;
    let (request, fingerprint) = fingerprint(request, &state).await?;
    let now = state.clock.now().unix_timestamp();
    let mut transaction = tx.begin().await?;
    transaction.query("DELETE FROM idempotency_keys WHERE expires_at <= $1").bind(now).execute().await?;
    let first: Option<AnswerRow> = transaction
        .query(
            "SELECT fingerprint, status, location, etag, body FROM idempotency_keys
             WHERE user_id = $1 AND key = $2",
        )
        .bind(user.id)
        .bind(key.as_str())
        .fetch_optional()
        .await?;
    // The handler works in the same transaction; it finds it there.
    drop(transaction);
    if let Some(first) = first {
        return if first.fingerprint == fingerprint {
            replay(first)
        } else {
            Err(ApiError::IdempotencyKeyReuse)
        };
    }
    let (head, body) = next.run(request).await.into_parts();
    if !head.status.is_success() {
        return Ok(Response::from_parts(head, body));
    }
    let body = to_bytes(body, usize::MAX).await.map_err(ApiError::internal)?;
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    tx.begin()
        .await?
        .query(
            "INSERT INTO idempotency_keys (user_id, key, fingerprint, status, location, etag, body, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(user.id)
        .bind(key)
        .bind(fingerprint)
        .bind(i64::from(head.status.as_u16()))
        .bind(text(header::LOCATION))
        .bind(text(header::ETAG))
        .bind(body.to_vec())
        .bind(now + KEPT_SECONDS)
        .execute()
        .await
        .on_conflict(ONE_EACH, ApiError::IdempotencyInProgress)?;
    Ok(Response::from_parts(head, Body::from(body)))
}
// ANCHOR_END: idempotency_key

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return match headers.contains_key(KEY) {
            true => Err(ApiError::InvalidRequest("there is more than one Idempotency-Key header")),
            false => Ok(None),
        };
    };
    let text = value.to_str().ok().filter(|text| (1..=LONGEST_KEY).contains(&text.len()));
    let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    text.map(|text| Some(text.to_owned())).ok_or(ApiError::InvalidRequest(
        "the Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID",
    ))
}

/// What makes two requests the same: method, address and body, to the byte.
async fn fingerprint(request: Request, state: &AppState) -> Result<(Request, Vec<u8>), ApiError> {
    let (parts, body) = request.into_parts();
    let mut context = Context::new(&SHA256);
    context.update(parts.method.as_str().as_bytes());
    context.update(b" ");
    context.update(parts.uri.to_string().as_bytes());
    context.update(b"\n");
    let body = read(Request::from_parts(parts.clone(), body), state).await?;
    context.update(&body);
    Ok((Request::from_parts(parts, Body::from(body)), context.finish().as_ref().to_vec()))
}

fn replay(first: AnswerRow) -> Result<Response, ApiError> {
    let status = u16::try_from(first.status).map_err(ApiError::internal)?;
    let mut response = Response::new(Body::from(first.body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(ApiError::internal)?;
    let headers = response.headers_mut();
    for (name, value) in [(header::LOCATION, first.location), (header::ETAG, first.etag)] {
        if let Some(value) = value {
            headers.insert(name, HeaderValue::try_from(value).map_err(ApiError::internal)?);
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response.into_response())
}
