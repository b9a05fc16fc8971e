//! What happens to every request, whichever handler it meets.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use tower::ServiceBuilder;
use tower_http::{
    ServiceBuilderExt,
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    request_id::{MakeRequestId, RequestId},
    set_header::SetResponseHeaderLayer,
    trace::{DefaultOnRequest, DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};

use crate::{
    clock::new_id,
    error::{ApiError, LoggedCause},
    state::AppState,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The page of the documentation brings its own script and style, and writes styles into its elements.
const DOCS_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
/// Answers of the API are data: a browser that shows one has nothing to load or to run.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Wraps the routes. The first layer here is the first that a request meets, and the last that an answer passes.
pub(crate) fn around(router: Router, state: &AppState) -> Router {
    let deadline = Duration::from_secs(state.settings.deadline_seconds);
    let layers =
        // ANCHOR: layer_stack
        ServiceBuilder::new()
            // First, so that everything below can name the request in a log line.
            .set_request_id(REQUEST_ID, Ids(state.clone()))
            // Around everything that can fail, so that a panic and a missed deadline are logged with their status.
            .layer(TraceLayer::new_for_http().make_span_with(span).on_request(DefaultOnRequest::new()).on_response(
                DefaultOnResponse::new().level(Level::INFO),
            ))
            .propagate_request_id(REQUEST_ID)
            // Outside of what makes error answers: those need the headers as well.
            .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF))
            .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, NO_REFERRER))
            .layer(from_fn(content_policy))
            .layer(CompressionLayer::new())
            .layer(from_fn(log_cause))
            // A panic costs the request that it happens in. Without this layer the client would see a closed connection.
            .layer(CatchPanicLayer::custom(panicked))
            // Inside the panic layer and the log, around the handlers only: it drops them where they wait.
            .layer(from_fn(move |request, next| give_up_after(deadline, request, next)))
            .layer(DefaultBodyLimit::max(state.settings.body_bytes));
    // ANCHOR_END: layer_stack
    router.layer(layers)
}

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

#[derive(Clone)]
struct Ids(AppState);

impl MakeRequestId for Ids {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = new_id(&*self.0.clock, &*self.0.random).to_string();
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

/// Method, route and request id. Not the path, which may hold what somebody typed, and no header.
fn span(request: &Request<Body>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or("none");
    tracing::info_span!("request", method = %request.method(), route, id)
}

async fn content_policy(request: Request, next: Next) -> Response {
    let docs = request.uri().path().starts_with("/docs");
    let mut response = next.run(request).await;
    let policy = HeaderValue::from_static(if docs { DOCS_POLICY } else { API_POLICY });
    response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    response
}

/// Logs the cause of a server error, once, here. The client does not get to see it.
async fn log_cause(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(LoggedCause(cause)) = response.extensions().get() {
        tracing::error!(status = response.status().as_u16(), cause = %cause, "the request failed");
    }
    response
}

async fn give_up_after(deadline: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(deadline, next.run(request)).await {
        Ok(response) => response,
        Err(elapsed) => ApiError::Unavailable(elapsed.into()).into_response(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    ApiError::Internal(format!("a handler panicked: {said}").into()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, routing::get};
    use time::Duration;

    use crate::testing::{ADA, TestApp};

    #[expect(clippy::panic, reason = "what happens to a panic is what is tested")]
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
    }

    #[tokio::test]
    async fn every_answer_has_an_id_and_the_headers_that_browsers_obey() {
        let app = TestApp::start().await;
        for path in ["/health/live", "/nowhere", "/api/v1/users/me"] {
            let answer = app.get(path).await;
            assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        }
    }

    #[tokio::test]
    async fn an_unknown_path_and_an_unknown_method_are_problems_too() {
        let app = TestApp::start().await;
        app.get("/api/v1/nowhere").await.assert_problem(StatusCode::NOT_FOUND, "not-found");

        let answer = app.get("/api/v1/auth/login").await;

        answer.assert_problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
        assert_eq!(answer.header("allow"), "POST");
    }

    #[tokio::test]
    async fn no_log_line_holds_a_password_a_token_or_an_address() {
        let (app, log) = TestApp::start_logged().await;
        let session = app.session(&ADA).await;
        app.pass(Duration::seconds(11));
        let second = app.refresh(&session.refresh).await.tokens();
        app.pass(Duration::seconds(11));
        app.refresh(&session.refresh).await;
        app.get_as(&second.access, "/api/v1/users/me?token=in-the-address").await;
        app.lose_database().await;
        app.post("/api/v1/auth/login", &ADA.login()).await.assert_status(StatusCode::INTERNAL_SERVER_ERROR);

        let log = log.text();
        assert!(log.contains("used twice") && log.contains("the request failed"), "{log}");
        for secret in
            [ADA.password, ADA.email, &session.access, &second.refresh, "in-the-address", "argon2id"]
        {
            assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        }
    }
}
