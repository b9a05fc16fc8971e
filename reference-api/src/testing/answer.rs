//! What a test looks at: an answer, and the tokens in it.

use axum::http::{HeaderMap, StatusCode, response::Parts};
use serde_json::Value;

/// The tokens of a login.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// An answer, read to its end. Asserting the status prints the body, which says more.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    pub(super) fn new(head: Parts, body: &[u8]) -> Self {
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self { status: head.status, headers: head.headers, body }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn text(&self) -> &str {
        &self.body
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers))
            .to_str()
            .unwrap()
    }

    /// The body without the request's id.
    pub(crate) fn text_without_ids(&self) -> String {
        self.body.replace(self.header("x-request-id"), "[id]")
    }

    pub(crate) fn headers_without_ids(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove("x-request-id");
        headers
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{}", self.body);
    }

    /// Status, media type, and the members that every problem has.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: StatusCode, slug: &str) {
        self.assert_status(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"));
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(status == StatusCode::UNAUTHORIZED, self.headers.contains_key("www-authenticate"));
        let members = problem.as_object().unwrap();
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        let known = ["type", "title", "status", "detail", "request_id", "errors"];
        assert!(members.keys().all(|name| known.contains(&name.as_str())), "{problem}");
    }

    #[track_caller]
    pub(crate) fn tokens(&self) -> Tokens {
        self.assert_status(StatusCode::OK);
        let body = self.json();
        let token = |name: &str| body[name].as_str().unwrap().to_owned();
        Tokens { access: token("access_token"), refresh: token("refresh_token") }
    }
}
