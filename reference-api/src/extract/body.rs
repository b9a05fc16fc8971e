//! A JSON body, parsed and validated.

use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use garde::Validate;
use serde::de::DeserializeOwned;
use serde_path_to_error::Deserializer;

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
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::PayloadTooLarge(state.settings.body_bytes)
            } else {
                ApiError::InvalidRequest("the body broke off before its end".to_owned())
            }
        })?;
        let value: T = parse(&body)?;
        value
            .validate_with(&Rules::from_ref(state))
            .map_err(|report| ApiError::ValidationFailed(field_errors(&report)))?;
        Ok(Self(value))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case("application/json")
        && (parameters.is_empty() || parameters == "charset=utf-8")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = T::deserialize(Deserializer::new(&mut json, &mut serde_path_to_error::Track::new()));
    let value = match value {
        Ok(value) => value,
        Err(_) => {
            // Parsed again for the path: mistakes are rare, and the way without the path is the fast one.
            let mut json = serde_json::Deserializer::from_slice(body);
            return Err(match serde_path_to_error::deserialize::<_, T>(&mut json) {
                Ok(_) => ApiError::Internal("a body was refused and then accepted".into()),
                Err(error) => refused(&error),
            });
        }
    };
    json.end().map_err(|error| ApiError::MalformedJson(place(&error)))?;
    Ok(value)
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let inner = error.inner();
    if !inner.is_data() {
        return ApiError::MalformedJson(place(inner));
    }
    let text = inner.to_string();
    let parent = pointer(&error.path().to_string());
    ApiError::ValidationFailed(vec![field_error(&parent, &text)])
}

/// serde's texts repeat what was sent. A body can hold a password, so only the part about what was expected is kept.
fn field_error(parent: &str, text: &str) -> FieldError {
    let quoted = text.split('`').nth(1).unwrap_or_default();
    let (pointer, code, detail) = if text.starts_with("unknown field") {
        (format!("{parent}/{quoted}"), "unknown_field", "there is no such field".to_owned())
    } else if text.starts_with("missing field") {
        (format!("{parent}/{quoted}"), "missing_field", "this field is needed".to_owned())
    } else if text.starts_with("duplicate field") {
        (format!("{parent}/{quoted}"), "duplicate_field", "this field stands here twice".to_owned())
    } else {
        let expected = text.rsplit_once("expected ").map_or("another value", |(_, expected)| expected);
        let expected = expected.split(" at line ").next().unwrap_or(expected);
        (parent.to_owned(), "invalid_type", format!("expected {expected}"))
    };
    FieldError { pointer, code, detail }
}

fn place(error: &serde_json::Error) -> String {
    format!("the body stops being JSON in line {}, column {}", error.line(), error.column())
}
