//! The built pages, by exact path. What is not in the map does not exist: there is no path to climb out of.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Site, problem::Problem};
use crate::{Pages, markup};

/// The page that is shown for an address that leads nowhere.
const NOT_FOUND: &str = "404.html";

#[derive(Debug)]
pub(super) struct Shelf(BTreeMap<String, Item>);

#[derive(Clone, Debug)]
struct Item {
    bytes: Bytes,
    kind: &'static str,
    policy: Option<HeaderValue>,
}

impl Shelf {
    /// Puts the pages up, each with the token that its script needs and the policy that fits its own scripts.
    pub(super) fn new(pages: Pages, token: &str) -> Self {
        let items = pages.into_iter().map(|(path, bytes)| {
            let kind = kind(&path);
            let item = if kind.starts_with("text/html") {
                let page = live(&String::from_utf8_lossy(&bytes), token);
                let policy = HeaderValue::from_str(&policy(&path, &page)).ok();
                Item { bytes: page.into(), kind, policy }
            } else {
                Item { bytes: bytes.into(), kind, policy: None }
            };
            (path, item)
        });
        Self(items.collect())
    }
}

/// Serves a page of the book.
pub(super) async fn page(State(site): State<Site>, method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Pages of the book can only be read.");
        return ([(header::ALLOW, "GET, HEAD")], problem).into_response();
    }
    let path = match uri.path() {
        "/" => "index.html",
        path => path.strip_prefix('/').unwrap_or(path),
    };
    let shelf = &site.0.shelf.0;
    let (status, item) = match (shelf.get(path), shelf.get(NOT_FOUND)) {
        (Some(item), _) => (StatusCode::OK, item),
        (None, Some(item)) => (StatusCode::NOT_FOUND, item),
        (None, None) => {
            return Problem::not_found("There is no such page; the book begins at `/`.").into_response();
        }
    };
    // The pages change with every start and carry its token, so no cache may keep them.
    let headers = [(header::CONTENT_TYPE, item.kind), (header::CACHE_CONTROL, "no-store")];
    let mut response = (status, headers, item.bytes.clone()).into_response();
    if let Some(policy) = &item.policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

/// Leads from the `type` of an API error to the entry that explains it.
pub(super) async fn problem(
    State(site): State<Site>,
    Path(slug): Path<String>,
    method: Method,
    uri: Uri,
) -> Response {
    if reference_api::problem::ALL.iter().any(|kind| kind.slug == slug) {
        return Redirect::temporary(&format!("/problems.html#{slug}")).into_response();
    }
    page(State(site), method, uri).await
}

/// The page as the live site shows it: with the token for its script, and the way to the API's own pages.
fn live(page: &str, token: &str) -> String {
    let meta = format!("<head>\n        <meta name=\"study-token\" content=\"{token}\">");
    let docs = "<div class=\"right-buttons\">\n<a class=\"study-docs\" href=\"/docs/\">API docs</a>";
    page.replacen("<head>", &meta, 1).replacen("<div class=\"right-buttons\">", docs, 1)
}

/// Allows the page's files and, by their hashes, the inline scripts that mdBook's template puts into it.
fn policy(path: &str, page: &str) -> String {
    let inline = markup::elements(page).into_iter().filter(|element| {
        element.name == "script" && element.attribute("src").is_none() && element.attribute("type").is_none()
    });
    let hashes: String = inline
        .map(|script| {
            let hash = digest::digest(&digest::SHA256, script.text.as_bytes());
            format!(" 'sha256-{}'", BASE64_STANDARD.encode(hash))
        })
        .collect();
    // Without scripts, a page shows this one in a frame as its table of contents.
    let ancestors = if path == "toc.html" { "'self'" } else { "'none'" };
    format!(
        "default-src 'none'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'self'; \
         frame-ancestors {ancestors}"
    )
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_script_is_allowed_by_its_hash_and_data_is_not_a_script() {
        let policy =
            policy("a.html", "<script>let a = 1;</script>\n <script type=\"application/json\">{}</script>");

        assert!(
            policy.contains("script-src 'self' 'sha256-xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck=';"),
            "{policy}"
        );
    }
}
