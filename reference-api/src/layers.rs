//! What every request passes on its way in and every answer on its way out.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header, uri::Authority},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate, Predicate},
    set_header::SetResponseHeaderLayer,
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span, field};
use uuid::Uuid;

use crate::{clock::new_id, error::ApiError, problem::Problem, state::AppState};

/// The header that a request's id travels in.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id, in the request's extensions.
#[derive(Clone, Copy, Debug)]
struct RequestId(Uuid);

// ANCHOR: layer_stack
/// Puts the whole stack around the router's routes, and around its fallback if it has one.
///
/// Outermost first: a request goes down this list and its answer comes back up. The id comes before everything that
/// mentions it. The span is around all that can log. Headers and compression see every answer, also that of a panic.
/// Errors get their body outside of the layers that answer with errors: host, panic and deadline. The deadline is inside of
/// the panic layer and outside of the body limit: it counts the time that a slow body takes, too.
pub(crate) fn around(router: Router, state: &AppState) -> Router {
    let deadline = Duration::from_secs(state.settings.deadline_seconds);
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(state.clone(), identify))
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(span)
                    .on_request(())
                    .on_response(DefaultOnResponse::new().level(Level::INFO))
                    // The cause of a failure is logged by `answer_errors`, once.
                    .on_failure(()),
            )
            .layer(unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(unless_set(header::REFERRER_POLICY, "no-referrer"))
            .layer(unless_set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
            // Answers hold tokens and private data; no cache may keep them (RFC 6749 §5.1).
            .layer(unless_set(header::CACHE_CONTROL, "no-store"))
            .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(without_etag)))
            .layer(from_fn(answer_errors))
            .layer(from_fn(require_one_host))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(deadline, cut_at_deadline))
            .layer(DefaultBodyLimit::max(state.settings.body_bytes)),
    )
}
// ANCHOR_END: layer_stack

fn unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// An `ETag` names these bytes. Compressed they would be others, under the same name (RFC 9110 §8.8.3.3); what has one is small.
fn without_etag(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ETAG)
}

/// A request names one host (RFC 9112 §3.2). Of two, a proxy may believe the one and we the other.
async fn require_one_host(request: Request, next: Next) -> Result<Response, ApiError> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if names_a_host(host) => Ok(next.run(request).await),
        // HTTP/1.0 did not have it yet.
        (None, None) if request.version() < Version::HTTP_11 => Ok(next.run(request).await),
        (Some(_), None) => Err(ApiError::InvalidRequest("the Host header does not name a host")),
        (None, _) => Err(ApiError::InvalidRequest("there is no Host header")),
        (Some(_), Some(_)) => Err(ApiError::InvalidRequest("there is more than one Host header")),
    }
}

fn names_a_host(host: &HeaderValue) -> bool {
    let authority = Authority::try_from(host.as_bytes());
    authority.is_ok_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

/// Gives the request an id. One that comes from outside is kept if it is a UUID: a proxy may have logged it already, and
/// free text from outside has no place in our logs.
async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let sent = request.headers().get(&REQUEST_ID).and_then(|id| Uuid::try_parse_ascii(id.as_bytes()).ok());
    let id = sent.unwrap_or_else(|| new_id(&*state.clock, &*state.random));
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The span of a request. It names the route and not the address, since an address may hold whatever a client puts there.
fn span<B>(request: &axum::http::Request<B>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().map(|id| field::display(id.0));
    tracing::info_span!("request", id, method = %request.method(), route)
}

/// Writes the body of an error, and logs what a server error was caused by.
async fn answer_errors(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map_or(Uuid::nil(), |id| id.0);
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<Arc<ApiError>>() else { return response };
    if error.problem_type().status.is_server_error() {
        tracing::error!(cause = error.causes(), problem = error.problem_type().slug, "request failed");
    }
    let (head, _) = response.into_parts();
    let mut response = Json(error.problem(id)).into_response();
    let content_type = HeaderValue::from_static(Problem::CONTENT_TYPE);
    // Status and headers stay as they were: the challenge of a 401, `Allow` of a 405.
    *response.status_mut() = head.status;
    response.headers_mut().extend(head.headers);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

/// A panic costs one request and not the connection.
#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer calls")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    ApiError::internal(format!("panic: {text}")).into_response()
}

/// Ends what takes too long. The work in progress is dropped where it waits; a transaction is rolled back by that.
async fn cut_at_deadline(State(deadline): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(deadline, next.run(request)).await {
        Ok(response) => response,
        Err(elapsed) => ApiError::Unavailable(elapsed.into()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        http::{Request, StatusCode},
        routing::get,
    };
    use time::Duration;

    use crate::testing::{ADA, TestApp};

    async fn panics() {
        panic!("the secret cause")
    }

    #[tokio::test]
    async fn a_panic_costs_one_request_and_its_cause_stays_inside() {
        let app = TestApp::start_with(Router::new().route("/panics", get(panics))).await;

        for _ in 0..3 {
            let answer = app.get("/panics").await;
            answer.assert_problem(StatusCode::INTERNAL_SERVER_ERROR, "internal");
            assert!(!answer.text().contains("secret"), "{}", answer.text());
        }
        app.get("/health/ready").await.assert_status(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_handler_that_waits_past_the_deadline_is_answered_with_503() {
        let stuck = Router::new().route("/stuck", get(std::future::pending::<()>));
        let app = TestApp::start_with(stuck).await;
        tokio::time::pause();

        let answer = app.get("/stuck").await;

        answer.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_answer_has_an_id_and_the_headers_that_browsers_obey() {
        let app = TestApp::start_with(Router::new().route("/panics", get(panics))).await;
        for path in ["/health/live", "/nowhere", "/api/v1/users/me", "/docs/", "/panics"] {
            let answer = app.get(path).await;
            assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
            let cache = if path == "/docs/" { "max-age=3600" } else { "no-store" };
            assert_eq!(answer.header("cache-control"), cache, "{path}");
        }
    }

    #[tokio::test]
    async fn an_id_from_outside_is_kept_if_it_is_one_and_replaced_if_it_is_text() {
        let app = TestApp::start().await;
        let ask = async |id: &str| {
            let request =
                Request::get("/health/live").header("x-request-id", id).body(Body::empty()).unwrap();
            app.call(request).await.header("x-request-id").to_owned()
        };
        let id = "018f2f6e-0000-7000-8000-000000000000";

        assert_eq!(ask(id).await, id);
        assert_ne!(ask("forged entry level=error").await, "forged entry level=error");
    }

    #[tokio::test]
    async fn a_long_answer_is_compressed_for_a_client_that_says_it_can_read_that() {
        let app = TestApp::start().await;
        let request =
            Request::get("/api/v1/openapi.json").header("accept-encoding", "gzip").body(Body::empty());

        let (head, body) = app.raw(request.unwrap()).await;

        assert_eq!(head.headers["content-encoding"], "gzip");
        assert!(body.len() < app.get("/api/v1/openapi.json").await.text().len() / 2);
    }

    #[tokio::test]
    async fn a_server_error_is_logged_once_with_its_cause() {
        let (app, log) = TestApp::start_logged(Router::new().route("/panics", get(panics))).await;

        let answer = app.get("/panics").await;

        let log = log.text();
        assert_eq!(log.matches("the secret cause").count(), 1, "{log}");
        assert!(log.contains(answer.header("x-request-id")), "{log}");
    }

    #[tokio::test]
    async fn no_log_line_holds_a_password_a_token_or_an_address() {
        let (app, log) = TestApp::start_logged(Router::new()).await;
        let session = app.session(&ADA).await;
        let second = app.refresh(&session.refresh).await.tokens();
        app.pass(Duration::seconds(11));
        app.refresh(&session.refresh).await;
        app.get_as(&second.access, "/api/v1/users/me?token=in-the-address").await;
        app.post_raw("/api/v1/auth/login", "application/json", r#"{"password": "in-broken-json"#.into())
            .await;
        app.register_again(&ADA).await;
        app.close_database().await;
        app.post("/api/v1/auth/login", &ADA.login()).await.assert_status(StatusCode::SERVICE_UNAVAILABLE);

        let own = log.text();
        // The lines are there; so what is missing below is missing because nobody wrote it.
        for line in ["used twice", "request failed", "registered", "logged in"] {
            assert!(own.contains(line), "{line}:\n{own}");
        }
        let log = log.text_of_all_threads();
        let canaries = [
            ADA.password,
            ADA.email,
            "lovelace",
            &session.access,
            &session.refresh,
            &second.access,
            &second.refresh,
            "in-the-address",
            "in-broken-json",
            "argon2id",
        ];
        for secret in canaries {
            assert!(!log.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in the log:\n{log}");
        }
    }
}
