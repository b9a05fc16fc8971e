//! What every request passes on its way in and every answer on its way out.

use std::{
    any::Any,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    BoxError, Json, Router,
    body::{Body, Bytes, HttpBody},
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use pin_project_lite::pin_project;
use tokio::{task::unconstrained, time::Sleep};
use tower::{Service, ServiceBuilder, layer::layer_fn};
use tower_http::{
    compression::{CompressionLayer, DefaultPredicate, Predicate},
    cors::{AllowOrigin, CorsLayer},
};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::{clock::new_id, error::ApiError, problem::Problem, state::AppState};

/// The header that a request's id travels in.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the whole stack around the router's routes, and around its fallback if it has one.
///
/// CORS is outermost of all, in [`cors`]: a preflight is answered before anything can refuse it, and an error carries the header
/// that lets the page read it.
///
/// Outermost first: a request goes down this list and its answer comes back up. The frame sees every answer, also that of a
/// panic, and gives errors their body. Its deadline is outside of the body limit: it counts the time that a slow body takes, too.
pub(crate) fn around(router: Router, state: &AppState) -> Router {
    let deadline = Duration::from_secs(state.settings.deadline_seconds);
    let for_frame = state.clone();
    let router = router.layer(
        ServiceBuilder::new()
            .layer(layer_fn(move |inner| Frame { state: for_frame.clone(), deadline, inner }))
            .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(without_etag)))
            .layer(DefaultBodyLimit::max(state.settings.body_bytes)),
    );
    cors(router, &state.settings.origins)
}

/// What belongs to every request: an id, a span, a count, a log line, headers, and the body of its error.
///
/// One service for all of it, written by hand: a layer made of a function (`from_fn`) clones all that is inside of it for each
/// request, and puts its future in one more box.
#[derive(Clone)]
struct Frame<S> {
    state: AppState,
    deadline: Duration,
    inner: S,
}

impl<S, B> Service<Request> for Frame<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    // ANCHOR: frame
    fn call(&mut self, request: Request) -> Self::Future {
        let id = identify(&self.state, request.headers());
        let span = span(&request, id);
        let counted = self.state.metrics.begin(&request);
        let answer = require_one_host(&request).and_then(|()| {
            let begun = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| self.inner.call(request))));
            let answer = begun.map_err(|panic| panicked(&*panic))?;
            Ok(Guarded { answer: Some(answer), deadline: self.deadline, timer: None })
        });
        let answer = async move {
            let mut response = match answer {
                Ok(answer) => answer.await,
                Err(error) => error.into_response(),
            };
            if let Some(error) = response.extensions_mut().remove::<Arc<ApiError>>() {
                response = explain(&error, id, response);
            }
            dress(response.headers_mut(), id);
            let took = counted.end(response.status());
            let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            tracing::info!(status = response.status().as_u16(), took_us, "answered");
            Ok(response)
        };
        Box::pin(answer.instrument(span))
    }
    // ANCHOR_END: frame
}

// ANCHOR: guarded
pin_project! {
    /// An answer that comes in time and without a panic, or an error in its place.
    struct Guarded<F> {
        #[pin]
        answer: Option<F>,
        deadline: Duration,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F, B> Future for Guarded<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Response;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response> {
        let mut this = self.project();
        let Some(answer) = this.answer.as_mut().as_pin_mut() else { return Poll::Pending };
        // A panic costs one request and not the connection. What was half done belonged to this request and goes with it.
        match catch_unwind(AssertUnwindSafe(|| answer.poll(context))) {
            Ok(Poll::Ready(Ok(answer))) => return Poll::Ready(answer.map(Body::new)),
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(panicked(&*panic).into_response()),
        }
        // What never waits needs no timer.
        if this.timer.is_none() {
            this.timer.set(Some(tokio::time::sleep(*this.deadline)));
        }
        // An answer that uses up its turn each time leaves none for the timer.
        let timer = this.timer.as_mut().as_pin_mut();
        match timer.map(|timer| pin!(unconstrained(timer)).poll(context)) {
            Some(Poll::Ready(())) => {}
            Some(Poll::Pending) | None => return Poll::Pending,
        }
        // The work in progress is dropped where it waits; a transaction is rolled back by that.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.answer.set(None)));
        let error = dropped.map_or_else(
            |panic| panicked(&*panic),
            |()| ApiError::Unavailable("the deadline is over".into()),
        );
        Poll::Ready(error.into_response())
    }
}
// ANCHOR_END: guarded

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    ApiError::internal(format!("panic: {text}"))
}

/// Adds the headers that every answer has.
fn dress(headers: &mut HeaderMap, id: Uuid) {
    headers.reserve(UNLESS_SET.len() + 1);
    for (name, value) in UNLESS_SET {
        headers.entry(name).or_insert(value);
    }
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())) {
        headers.insert(REQUEST_ID, id);
    }
}

/// What browsers and caches obey, where the answer does not say it itself.
const UNLESS_SET: [(HeaderName, HeaderValue); 4] = [
    // Answers hold tokens and private data; no cache may keep them (RFC 6749 §5.1).
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

// ANCHOR: cors
/// Which pages of other origins may read our answers. By list and exactly: an origin that is answered by repeating it would be
/// every origin. Tokens travel in a header that a page has to set itself, so no cookie and no credentials are involved.
fn cors(router: Router, origins: &[String]) -> Router {
    if origins.is_empty() {
        return router;
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    router.layer(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                HeaderName::from_static("idempotency-key"),
            ])
            .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER, REQUEST_ID])
            .max_age(Duration::from_secs(600)),
    )
}
// ANCHOR_END: cors

// ANCHOR: shedding
/// Refuses what is too much, at once: whoever waits in a queue that is longer than the deadline waits for nothing, and holds
/// memory while waiting. Health is outside of it: an orchestrator must not restart what is merely busy.
pub(crate) async fn shed(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Ok(_slot) = state.slots.try_acquire() else {
        state.metrics.shed();
        return Err(ApiError::Overloaded);
    };
    Ok(next.run(request).await)
}
// ANCHOR_END: shedding

/// An `ETag` names these bytes. Compressed they would be others, under the same name (RFC 9110 §8.8.3.3); what has one is small.
fn without_etag(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ETAG)
}

/// A request names one host (RFC 9112 §3.2). Of two, a proxy may believe the one and we the other.
fn require_one_host(request: &Request) -> Result<(), ApiError> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if names_a_host(host) => Ok(()),
        // HTTP/1.0 did not have it yet.
        (None, None) if request.version() < Version::HTTP_11 => Ok(()),
        (Some(_), None) => Err(ApiError::InvalidRequest("the Host header does not name a host")),
        (None, _) => Err(ApiError::InvalidRequest("there is no Host header")),
        (Some(_), Some(_)) => Err(ApiError::InvalidRequest("there is more than one Host header")),
    }
}

/// Nearly every host is a plain name or address, perhaps with a port. The rules for the others are long, and http's to know.
fn names_a_host(host: &HeaderValue) -> bool {
    let plain = host.to_str().is_ok_and(|host| {
        let (name, port) = host.split_once(':').unwrap_or((host, "80"));
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            && (1..=5).contains(&port.len())
            && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    plain
        || Authority::try_from(host.as_bytes())
            .is_ok_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

/// The request's id. One that comes from outside is kept if it is a UUID: a proxy may have logged it already, and free text
/// from outside has no place in our logs.
fn identify(state: &AppState, headers: &HeaderMap) -> Uuid {
    let sent = headers.get(&REQUEST_ID).and_then(|id| Uuid::try_parse_ascii(id.as_bytes()).ok());
    sent.unwrap_or_else(|| new_id(&*state.clock, &*state.random))
}

/// The span of a request. It names the route and not the address, since an address may hold whatever a client puts there.
fn span(request: &Request, id: Uuid) -> Span {
    let route = || request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    tracing::info_span!("request", %id, method = %request.method(), route = route())
}

/// Writes the body of an error, and logs what a server error was caused by, once.
fn explain(error: &ApiError, id: Uuid, response: Response) -> Response {
    // What is shed is counted. A line for each would cost more than the refusal, just when there is no time for it.
    if error.problem_type().status.is_server_error() && !matches!(error, ApiError::Overloaded) {
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use axum::{
        Router,
        body::Body,
        extract::State,
        http::{Request, StatusCode},
        routing::get,
    };
    use time::Duration;

    use crate::{
        AppState, Settings,
        db::Executor,
        testing::{ADA, TestApp},
    };

    async fn panics() {
        panic!("the secret cause")
    }

    #[tokio::test]
    async fn p25_a_panic_costs_one_request_and_its_cause_stays_inside() {
        let app = TestApp::start_with(Router::new().route("/panics", get(panics))).await;

        for _ in 0..3 {
            let answer = app.get("/panics").await;
            answer.assert_problem(StatusCode::INTERNAL_SERVER_ERROR, "internal");
            assert!(!answer.text().contains("secret"), "{}", answer.text());
        }
        app.get("/health/ready").await.assert_status(StatusCode::OK);
    }

    async fn panics_within_a_transaction(State(state): State<AppState>) {
        let mut transaction = state.db.begin().await.unwrap();
        transaction.query("UPDATE users SET name = 'Nobody'").execute().await.unwrap();
        panic!("with the right to write in its hands")
    }

    #[tokio::test]
    async fn p25_a_thousand_panics_within_transactions_leave_pool_locks_and_rows_as_they_were() {
        for app in TestApp::start_on_each_engine().await {
            let panics = Router::new().route("/panics", get(panics_within_a_transaction));
            let panics = super::around(panics.with_state(app.state().clone()), app.state());
            let broken = app.behind(panics);
            let session = app.session(&ADA).await;

            for _ in 0..1_000 {
                broken.get("/panics").await.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
            }

            app.create_item(&session, "Umbrella").await;
            let me = app.get_as(&session.access, "/api/v1/users/me").await.json();
            assert_eq!(me["name"], ADA.name, "{app:?}");
        }
    }

    /// What browsers obey, for each class of routes; and what a page of another origin may read.
    #[tokio::test]
    async fn p32_the_headers_of_each_class_of_routes_are_as_they_were_agreed() {
        let app = TestApp::start_with(Router::new().route("/panics", get(panics))).await;
        let session = app.session(&ADA).await;
        let mut lines = String::new();
        for path in [
            "/health/live",
            "/api/v1/users/me",
            "/api/v1/nowhere",
            "/panics",
            "/docs/",
            "/docs/swagger-ui.css",
        ] {
            let answer = app.get_as(&session.access, path).await;
            let _ = writeln!(lines, "GET {path} {}", answer.status().as_u16());
            for (name, value) in answer.headers_without_ids() {
                let name = name.map_or_else(|| "  and".to_owned(), |name| name.to_string());
                // Length and tag are those of a version of the page, not of a class of routes.
                if !["content-length", "etag", "last-modified"].contains(&name.as_str()) {
                    let _ = writeln!(lines, "  {name}: {}", value.to_str().unwrap());
                }
            }
        }
        insta::assert_snapshot!("headers", lines);
    }

    #[tokio::test]
    async fn p32_a_page_may_read_answers_if_its_origin_is_on_the_list_and_none_by_default() {
        let preflight = |origin: &str| {
            let request = Request::builder().method("OPTIONS").uri("/api/v1/items").header("origin", origin);
            let request = request.header("access-control-request-method", "POST");
            request.header("access-control-request-headers", "authorization").body(Body::empty()).unwrap()
        };
        let get = |origin: &str| {
            Request::get("/api/v1/items").header("origin", origin).body(Body::empty()).unwrap()
        };
        let settings = Settings { origins: vec!["https://good.example".to_owned()], ..Settings::default() };
        for app in TestApp::start_on_each_engine_with(settings).await {
            let (head, _) = app.raw(preflight("https://good.example")).await;
            assert_eq!(head.headers["access-control-allow-origin"], "https://good.example");
            assert!(!head.headers.contains_key("access-control-allow-credentials"), "{:?}", head.headers);
            // A refusal carries it too, or the page could not show why.
            let (head, _) = app.raw(get("https://good.example")).await;
            assert_eq!(head.status, StatusCode::UNAUTHORIZED);
            assert_eq!(head.headers["access-control-allow-origin"], "https://good.example");
            let varies = head.headers.get_all("vary").iter().any(|vary| vary == "origin");
            assert!(varies, "a cache would give it to everybody: {:?}", head.headers);

            let strangers =
                ["https://evil.example", "https://good.example.evil", "http://good.example", "null"];
            for request in strangers.iter().flat_map(|origin| [preflight(origin), get(origin)]) {
                let (head, _) = app.raw(request).await;
                assert!(!head.headers.contains_key("access-control-allow-origin"), "{:?}", head.headers);
            }
        }
        let app = TestApp::start().await;
        let (head, _) = app.raw(get("https://good.example")).await;
        assert!(!head.headers.contains_key("access-control-allow-origin"), "{:?}", head.headers);
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
    async fn what_is_too_much_is_refused_at_once_counted_and_not_logged_as_an_error() {
        let (app, log) = TestApp::start_logged(Router::new()).await;
        let slots = app.state().slots.clone();
        let all = u32::try_from(slots.available_permits()).unwrap();
        let taken = slots.acquire_many(all).await.unwrap();

        let answer = app.get("/api/v1/users/me").await;

        answer.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        let metrics = app.behind(crate::metrics::router(app.state().clone())).get("/metrics").await;
        assert!(metrics.text().contains("http_requests_shed_total 1\n"), "{}", metrics.text());
        assert!(!log.text().contains("ERROR"), "{}", log.text());
        assert_eq!(app.get("/health/live").await.status(), StatusCode::OK);
        drop(taken);
        app.get("/api/v1/users/me").await.assert_problem(StatusCode::UNAUTHORIZED, "authentication-required");
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
