//! The registry of problem types, and the one shape that every error body has (RFC 9457).

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// One kind of problem. Its page is `/problems/{slug}`.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Its name in the `type` member.
    pub slug: &'static str,
    /// The status that it is sent with.
    pub status: StatusCode,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What the client should do about it.
    pub advice: &'static str,
}

macro_rules! problem_types {
    ($($name:ident = $slug:literal $status:ident $title:literal $advice:literal;)*) => {
        $(#[doc = $title] pub const $name: ProblemType =
            ProblemType { slug: $slug, status: StatusCode::$status, title: $title, advice: $advice };)*
        /// All problem types that this service can answer.
        pub const ALL: &[ProblemType] = &[$($name),*];
    };
}

problem_types! {
    INVALID_REQUEST = "invalid-request" BAD_REQUEST "The request cannot be understood"
        "Compare path, query and headers with the documentation.";
    MALFORMED_JSON = "malformed-json" BAD_REQUEST "The body is not JSON"
        "Send one JSON value in UTF-8 and nothing after it.";
    AUTHENTICATION_REQUIRED = "authentication-required" UNAUTHORIZED "This needs a login"
        "Send an access token as `Authorization: Bearer …`.";
    INVALID_TOKEN = "invalid-token" UNAUTHORIZED "The access token is not valid"
        "Refresh it, or log in again.";
    INVALID_CREDENTIALS = "invalid-credentials" UNAUTHORIZED "Address or password is wrong"
        "Check both. The answer does not say which one it is.";
    INVALID_REFRESH_TOKEN = "invalid-refresh-token" UNAUTHORIZED "The refresh token is not valid"
        "Log in again.";
    FORBIDDEN = "forbidden" FORBIDDEN "This account may not do that"
        "Ask an administrator. A new token with the same role changes nothing.";
    ORIGIN_NOT_ALLOWED = "origin-not-allowed" FORBIDDEN "Pages of that origin may not do that"
        "Have the origin added to the settings, or call from a program that is no browser.";
    NOT_FOUND = "not-found" NOT_FOUND "There is nothing here, or not for you"
        "Check the address. What belongs to somebody else looks the same as what does not exist.";
    METHOD_NOT_ALLOWED = "method-not-allowed" METHOD_NOT_ALLOWED "The method does not exist here"
        "Use one of the methods that the header `Allow` names.";
    NOT_ACCEPTABLE = "not-acceptable" NOT_ACCEPTABLE "There is no such form of this"
        "Ask for `application/json`, or send no `Accept` header.";
    REQUEST_TIMEOUT = "request-timeout" REQUEST_TIMEOUT "The body took too long to arrive"
        "Send it again over a faster connection.";
    CONFLICT = "conflict" CONFLICT "This contradicts what is there"
        "Read the current state, then decide.";
    IDEMPOTENCY_IN_PROGRESS = "idempotency-in-progress" CONFLICT "The first request with this key is still at work"
        "Wait as long as `Retry-After` says, then send the same request again.";
    PRECONDITION_FAILED = "precondition-failed" PRECONDITION_FAILED "Somebody has changed it meanwhile"
        "Read it again, apply the change to what is there now, and send its new `ETag` as `If-Match`.";
    PAYLOAD_TOO_LARGE = "payload-too-large" PAYLOAD_TOO_LARGE "The body is too large"
        "Send less at once.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body has the wrong type"
        "Send JSON and say so: `Content-Type: application/json`.";
    VALIDATION_FAILED = "validation-failed" UNPROCESSABLE_ENTITY "Some fields are not acceptable"
        "Mend every field that `errors` points at.";
    IDEMPOTENCY_KEY_REUSE = "idempotency-key-reuse" UNPROCESSABLE_ENTITY "This key was used for another request"
        "Make a new `Idempotency-Key` for each thing to be done, and keep it only for its repetitions.";
    PRECONDITION_REQUIRED = "precondition-required" PRECONDITION_REQUIRED "It is not said which version this changes"
        "Send the `ETag` of the version that you have read as `If-Match`.";
    TOO_MANY_REQUESTS = "too-many-requests" TOO_MANY_REQUESTS "Too many attempts"
        "Wait as long as `Retry-After` says. Until then, even the right one is refused.";
    INTERNAL = "internal" INTERNAL_SERVER_ERROR "Something went wrong on our side"
        "Try again later. Quote the header `x-request-id` if you report it.";
    UNAVAILABLE = "unavailable" SERVICE_UNAVAILABLE "The service cannot answer right now"
        "Wait as long as `Retry-After` says, then try again.";
}

/// The body of every error answer, sent as [`Problem::CONTENT_TYPE`].
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Which kind of problem it is: a reference to the page that explains it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation-failed")]
    pub kind: String,
    /// The same for every problem of this type.
    #[schema(example = "Some fields are not acceptable")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// The request's id, as in the header `x-request-id`: what to quote in a report.
    pub request_id: Uuid,
    /// The fields that are not acceptable; only with `validation-failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// The media type of problems (RFC 9457 §3).
    pub const CONTENT_TYPE: &'static str = "application/problem+json";
}

/// One field that is not acceptable. It never repeats the value that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldError {
    /// Where the field is: a JSON pointer into the body (RFC 6901), or the name of the parameter.
    #[schema(example = "/password")]
    pub pointer: String,
    /// What is wrong, for a program.
    #[schema(example = "too_short")]
    pub code: &'static str,
    /// What is wrong, for a person.
    #[schema(example = "length is lower than 15")]
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_problem_types_share_a_slug() {
        let mut slugs: Vec<_> = ALL.iter().map(|kind| kind.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), ALL.len());
    }
}
