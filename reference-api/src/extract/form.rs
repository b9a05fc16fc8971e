//! A body as HTML forms send it: `application/x-www-form-urlencoded`.

use axum::{
    Form,
    body::Body,
    extract::{FromRequest, Request, rejection::FormRejection},
    http::header,
};
use serde::de::DeserializeOwned;

use super::body::{field_error, read};
use crate::{error::ApiError, state::AppState};

const FORM: &str = "application/x-www-form-urlencoded";

/// A form. Fields that nobody asks for are passed over, as OAuth 2 wants it (RFC 6749 §3.2).
#[derive(Clone, Copy, Debug)]
pub struct UrlEncoded<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for UrlEncoded<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(FORM) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let body = read(request, state).await?;
        // The limits are ours; the parser is axum's, which asks for a request.
        let request = Request::post("/").header(header::CONTENT_TYPE, FORM).body(Body::from(body));
        let request = request.map_err(ApiError::internal)?;
        match Form::from_request(request, &()).await {
            Ok(Form(value)) => Ok(Self(value)),
            Err(FormRejection::FailedToDeserializeFormBody(error)) => {
                let text = error.body_text();
                let (_, text) = text.split_once(": ").unwrap_or(("", &text));
                Err(ApiError::ValidationFailed(vec![field_error(String::new(), text)]))
            }
            Err(_) => Err(ApiError::InvalidRequest("the body is not a form")),
        }
    }
}
