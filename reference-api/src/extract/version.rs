//! Versions of a resource: `ETag` on the way out, `If-Match` and `If-None-Match` on the way in (RFC 9110 §13).

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};

use crate::error::ApiError;

/// The version that an answer shows: a number that every change raises by one.
#[derive(Clone, Copy, Debug)]
pub struct ETag(pub i64);

impl ETag {
    fn text(self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl IntoResponseParts for ETag {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        if let Ok(value) = HeaderValue::try_from(self.text()) {
            response.headers_mut().insert(header::ETAG, value);
        }
        Ok(response)
    }
}

// ANCHOR: if_match
/// The versions that a change is meant for. A request without the header is answered with 428 before anything is read: with it,
/// nobody overwrites what they have not seen.
#[derive(Clone, Debug)]
pub struct IfMatch(Tags);

impl IfMatch {
    /// Whether the change may be made to that version.
    ///
    /// # Errors
    /// [`ApiError::PreconditionFailed`] if somebody has changed it since.
    pub(crate) fn check(&self, current: i64) -> Result<(), ApiError> {
        // The strong comparison: a weak tag says that two versions are alike, and alike is not enough to overwrite one.
        if self.0.hold(ETag(current), false) { Ok(()) } else { Err(ApiError::PreconditionFailed) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Tags::of(&parts.headers, &header::IF_MATCH).map(Self).ok_or(ApiError::PreconditionRequired)
    }
}
// ANCHOR_END: if_match

// ANCHOR: if_none_match
/// The versions that the client has already.
#[derive(Clone, Debug)]
pub struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// The answer in that version; without a body, if the client has it.
    pub(crate) fn answer(&self, version: i64, body: impl IntoResponse) -> Response {
        let tag = ETag(version);
        // It saves the bytes and not the work: the row was read to know its version.
        if self.0.as_ref().is_some_and(|tags| tags.hold(tag, true)) {
            (StatusCode::NOT_MODIFIED, tag, ()).into_response()
        } else {
            (tag, body).into_response()
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Tags::of(&parts.headers, &header::IF_NONE_MATCH)))
    }
}
// ANCHOR_END: if_none_match

/// A list of entity tags, or `*` for any.
#[derive(Clone, Debug)]
struct Tags(Vec<String>);

impl Tags {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        // Our tags hold no comma, so a tag that does is none of ours wherever it is cut.
        let tags = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
        Some(Self(tags.map(|tag| tag.trim().to_owned()).collect()))
    }

    fn hold(&self, tag: ETag, weak_too: bool) -> bool {
        let ours = tag.text();
        self.0.iter().any(|tag| {
            let tag = if weak_too { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
            tag == "*" || *tag == ours
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &'static str) -> Tags {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
        Tags::of(&headers, &header::IF_MATCH).unwrap()
    }

    #[test]
    fn a_weak_tag_is_good_enough_to_read_and_not_to_write() {
        for (sent, to_write, to_read) in [
            ("\"3\"", true, true),
            ("W/\"3\"", false, true),
            ("\"2\", \"3\"", true, true),
            ("*", true, true),
            ("\"2\"", false, false),
            ("3", false, false),
            ("\"3", false, false),
            ("", false, false),
        ] {
            assert_eq!(tags(sent).hold(ETag(3), false), to_write, "{sent}");
            assert_eq!(tags(sent).hold(ETag(3), true), to_read, "{sent}");
        }
    }
}
