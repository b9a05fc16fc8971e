//! `Accept`: whether the client takes what we give.

use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};

use crate::error::ApiError;

/// Refuses a request whose `Accept` rules out JSON (RFC 9110 §12.5.1).
pub(crate) async fn require_json_accepted(request: Request, next: Next) -> Result<Response, ApiError> {
    if accepts_json(request.headers()) { Ok(next.run(request).await) } else { Err(ApiError::NotAcceptable) }
}

/// Without the header, everything is acceptable. Of several ranges that fit, the most specific one decides.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return true;
    }
    let fitting = ranges.filter_map(|range| {
        let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
        let specific = match kind.trim().to_ascii_lowercase().as_str() {
            "application/json" => 2,
            "application/*" => 1,
            "*/*" => 0,
            _ => return None,
        };
        Some((specific, !weighs_nothing(parameters)))
    });
    fitting.max_by_key(|(specific, _)| *specific).is_some_and(|(_, wanted)| wanted)
}

/// `q=0` means: not this one.
fn weighs_nothing(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_most_specific_range_that_fits_decides() {
        for (accept, fits) in [
            ("", true),
            ("*/*", true),
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/*;q=0.1", true),
            ("text/html, application/xhtml+xml, */*;q=0.8", true),
            ("text/html", false),
            ("application/xml, text/*", false),
            ("application/json;q=0", false),
            ("application/json;q=0.000, */*", false),
            ("*/*;q=0", false),
            ("application/json, */*;q=0", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts_json(&headers), fits, "{accept}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }

    #[test]
    fn several_accept_headers_are_read_as_one() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, HeaderValue::from_static("text/html"));
        headers.append(header::ACCEPT, HeaderValue::from_static("application/json"));
        assert!(accepts_json(&headers));
    }
}
