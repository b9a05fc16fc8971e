//! A JSON body, parsed and validated.

use std::time::Duration;

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use garde::Validate;
use serde::de::DeserializeOwned;

use super::{Rules, field_errors, pointer};
use crate::{error::ApiError, problem::FieldError, state::AppState};

/// A JSON body that has every field it needs, no other, and only acceptable values.
///
/// It reads the body, so it must be the last argument of a handler: the compiler says so otherwise.
#[derive(Clone, Copy, Debug)]
pub struct ValidJson<T>(pub T);

impl<T> FromRequest<AppState> for ValidJson<T>
where
    T: DeserializeOwned + Validate<Context = Rules>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let body = read(request, state).await?;
        let value: T = parse(&body)?;
        value
            .validate_with(&Rules::from(&*state.settings))
            .map_err(|report| ApiError::ValidationFailed(field_errors(&report)))?;
        Ok(Self(value))
    }
}

// ANCHOR: body_limits
/// The whole body, within its limits of size and of time.
pub(super) async fn read(request: Request, state: &AppState) -> Result<Bytes, ApiError> {
    // Somebody else would undo the compression with no limit on what comes out.
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let (most, seconds) = (state.settings.body_bytes, state.settings.body_seconds);
    // A body that says that it is too large is not read at all.
    if request.body().size_hint().lower() > most as u64 {
        return Err(ApiError::PayloadTooLarge(most));
    }
    // For the whole body and not for each piece of it: one byte a second would never be late.
    let read = tokio::time::timeout(Duration::from_secs(seconds), Bytes::from_request(request, state));
    read.await.map_err(|_| ApiError::RequestTimeout(seconds))?.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::PayloadTooLarge(most)
        } else {
            ApiError::InvalidRequest("the body broke off before its end")
        }
    })
}
// ANCHOR_END: body_limits

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case("application/json")
        && (parameters.is_empty() || parameters == "charset=utf-8")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        // A fault of type may stand before a fault of grammar, and then serde has not read as far as that. What is not JSON
        // at all is told first: its fields mean nothing.
        let grammar = serde_json::from_slice::<serde_json::Value>(body).err();
        if let Some(error) = grammar.as_ref().or(Some(&error)).filter(|error| !error.is_data()) {
            let (line, column) = (error.line(), error.column());
            return ApiError::MalformedJson(format!(
                "the body stops being JSON in line {line}, column {column}"
            ));
        }
        // Parsed again to learn where: mistakes are rare, and keeping track of the path costs every request.
        let path = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(body))
            .map_or_else(|error| error.path().to_string(), |_| String::new());
        ApiError::ValidationFailed(vec![field_error(pointer(&path), &error.to_string())])
    })
}

/// serde's texts repeat what was sent. A body can hold a password, so only the part about what was expected is kept.
pub(super) fn field_error(pointer: String, text: &str) -> FieldError {
    let (pointer, code, detail) = if text.starts_with("unknown field") {
        (pointer, "unknown_field", "there is no such field".to_owned())
    } else if text.starts_with("duplicate field") {
        (pointer, "duplicate_field", "this field stands here twice".to_owned())
    } else if text.starts_with("missing field") {
        // The path leads to where the field should be.
        let name = text.split('`').nth(1).unwrap_or_default();
        (format!("{pointer}/{name}"), "missing_field", "this field is needed".to_owned())
    } else {
        let expected = text.rsplit_once("expected ").map_or("another value", |(_, expected)| expected);
        let expected = expected.split(" at line ").next().unwrap_or(expected);
        (pointer, "invalid_type", format!("expected {expected}"))
    };
    FieldError { pointer, code, detail }
}
