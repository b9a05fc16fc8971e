//! Who may talk to the site. It listens on loopback only, but every page in the reader's browser can reach loopback too.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Site, problem::Problem};

/// The header that carries the site's token in a request that runs or writes something.
pub const TOKEN_HEADER: &str = "x-study-token";

/// Refuses a request that names another host: a foreign name that resolves to 127.0.0.1 would make a foreign page
/// same-origin with this site (DNS rebinding).
pub(super) async fn host(State(site): State<Site>, request: Request, next: Next) -> Response {
    if own_host(request.headers(), site.0.port).is_some() {
        return next.run(request).await;
    }
    let port = site.0.port;
    Problem::forbidden(format!(
        "This site answers to http://localhost:{port} and http://127.0.0.1:{port} only."
    ))
    .into_response()
}

/// The `Host` header, if there is exactly one and it is ours.
fn own_host(headers: &HeaderMap, port: u16) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let host = host.to_str().ok()?;
    let (name, named_port) = host.rsplit_once(':')?;
    let ours = matches!(name, "localhost" | "127.0.0.1" | "[::1]") && named_port == port.to_string();
    ours.then_some(host)
}

/// Lets only the site's own pages run or write something.
pub(super) async fn writes(State(site): State<Site>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    match refusal(request.headers(), &site) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(headers: &HeaderMap, site: &Site) -> Option<Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    // A browser sets these two itself; a page cannot forge them.
    if let Some(from) = text("sec-fetch-site").filter(|from| !matches!(*from, "same-origin" | "none")) {
        return Some(Problem::forbidden(format!(
            "The request comes from another site (`Sec-Fetch-Site: {from}`)."
        )));
    }
    let own = own_host(headers, site.0.port).map(|host| format!("http://{host}"));
    if text("origin").is_some_and(|origin| Some(origin) != own.as_deref()) {
        return Some(Problem::forbidden("The request comes from a page of another origin."));
    }
    let token = text(TOKEN_HEADER).unwrap_or_default();
    if verify_slices_are_equal(token.as_bytes(), site.0.token.as_bytes()).is_err() {
        return Some(Problem::forbidden(format!(
            "`{TOKEN_HEADER}` is missing or from an earlier start; reload the page. Each page carries it in \
             `<meta name=\"study-token\">`."
        )));
    }
    let kind = text("content-type").unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    // A form or a `no-cors` request can send other types without asking first.
    (!essence.eq_ignore_ascii_case("application/json")).then(|| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON, with `Content-Type: application/json`.",
        )
    })
}

/// What every answer carries. Where a page or the reference API has set its own policy, that one stands.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    const ALWAYS: [(HeaderName, &str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}
