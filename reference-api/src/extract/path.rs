//! An identifier in the path.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use uuid::Uuid;

use crate::{error::ApiError, problem::FieldError};

/// Characters in `018f2f6e-0000-7000-8000-000000000000`.
const HYPHENATED: usize = 36;

/// The last segment of the path, as an identifier.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // Taken as text first: that fails where the path is not UTF-8, and only there.
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::InvalidRequest("the path is not UTF-8"))?;
        // One spelling for each identifier: `urn:uuid:` and braces would be read as well.
        let id = Uuid::try_parse(&text).ok().filter(|_| text.len() == HYPHENATED);
        id.map(Self).ok_or_else(|| {
            ApiError::ValidationFailed(vec![FieldError {
                pointer: "id".to_owned(),
                code: "invalid",
                detail: "must be a UUID such as 018f2f6e-0000-7000-8000-000000000000".to_owned(),
            }])
        })
    }
}
