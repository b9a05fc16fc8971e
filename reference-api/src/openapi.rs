//! The OpenAPI document, drawn from the handlers, and the page that shows it.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    routing::get,
};
use serde_json::json;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
        security::{
            Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityRequirement, SecurityScheme,
        },
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{self, Problem, ProblemType};

/// Where the document is.
pub const DOCUMENT: &str = "/api/v1/openapi.json";
/// Where the page is.
pub const PAGE: &str = "/docs";

/// An access token that the reader of the page pastes.
const ACCESS_TOKEN: &str = "access_token";
/// The same token, which the page gets by itself for an address and a password.
const LOGIN: &str = "login";

/// What the document says beside its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Reference API",
        description = "Accounts, sessions and items. Register, log in, press **Authorize** and enter the same again.\n\n\
            Every error is a problem (RFC 9457) of a registered type, sent as `application/problem+json`."
    ),
    components(schemas(Problem)),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "users", description = "The own account"),
        (name = "admin", description = "All accounts, for administrators"),
        (name = "items", description = "The own items"),
        (name = "webhooks", description = "Who is told about changes of the own items"),
        (name = "health", description = "For the orchestrator"),
    ),
    modifiers(&AccessToken),
)]
pub(crate) struct Base;

struct AccessToken;

impl Modify for AccessToken {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("at+jwt").build();
        let (token, refresh) = ("/api/v1/auth/token", "/api/v1/auth/refresh");
        let password = Flow::Password(Password::with_refresh_url(token, Scopes::new(), refresh));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(ACCESS_TOKEN, SecurityScheme::Http(bearer));
        components.add_security_scheme(LOGIN, SecurityScheme::OAuth2(OAuth2::new([password])));
    }
}

macro_rules! problem_sets {
    ($($(#[$doc:meta])* $name:ident: $($kind:ident),+;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                responses(&[$(&problem::$kind),+])
            }
        }
    )*};
}

// For the `responses(…)` of a handler: named for what brings the problems about.
problem_sets! {
    /// An access token is needed.
    TokenProblems: AUTHENTICATION_REQUIRED, INVALID_TOKEN, INVALID_REQUEST;
    /// An access token is needed, and the password once more.
    ConfirmedProblems: AUTHENTICATION_REQUIRED, INVALID_TOKEN, INVALID_CREDENTIALS, INVALID_REQUEST, TOO_MANY_REQUESTS;
    /// A JSON body is needed.
    BodyProblems: INVALID_REQUEST, MALFORMED_JSON, REQUEST_TIMEOUT, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED;
    /// Path or query parameters are read.
    ParameterProblems: INVALID_REQUEST, VALIDATION_FAILED;
    /// One resource is named.
    LookupProblems: NOT_FOUND;
    /// A version is named.
    VersionProblems: PRECONDITION_FAILED, PRECONDITION_REQUIRED;
    /// A role is needed.
    AdminProblems: FORBIDDEN;
    /// A request may be sent again.
    RepetitionProblems: IDEMPOTENCY_IN_PROGRESS;
    /// Something must not be there yet.
    ConflictProblems: CONFLICT;
    /// Address and password are checked.
    LoginProblems: INVALID_CREDENTIALS, TOO_MANY_REQUESTS;
    /// Something can be learned by asking often.
    ThrottleProblems: TOO_MANY_REQUESTS;
    /// A refresh token is exchanged.
    RefreshProblems: INVALID_REFRESH_TOKEN;
    /// A browser may come from a page that is not ours.
    OriginProblems: ORIGIN_NOT_ALLOWED;
    /// One user may have so many and no more.
    BusyProblems: TOO_MANY_REQUESTS;
    /// Can happen to every request.
    AnyProblems: INVALID_REQUEST, INTERNAL, UNAVAILABLE;
    /// Can happen to every request to the API itself.
    ApiProblems: NOT_ACCEPTABLE;
}

/// One response for each status, with an example for each type of problem that is sent with it.
fn responses(kinds: &[&ProblemType]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<&ProblemType>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status.as_u16()).or_default().push(kind);
    }
    let response = |(status, kinds): (u16, Vec<&ProblemType>)| {
        let description: Vec<_> =
            kinds.iter().map(|kind| format!("{}. {}", kind.title, kind.advice)).collect();
        let examples = kinds.into_iter().map(|kind| {
            let body = json!({
                "type": format!("/problems/{}", kind.slug), "title": kind.title, "status": status,
                "detail": "…", "request_id": "018f2f6e-0000-7000-8000-000000000000",
            });
            (kind.slug, utoipa::openapi::example::ExampleBuilder::new().value(Some(body)).build())
        });
        let schema = Some(Ref::from_schema_name("Problem"));
        let content = ContentBuilder::new().schema(schema).examples_from_iter(examples).build();
        let response = ResponseBuilder::new().description(description.join("\n\n"));
        (status.to_string(), RefOr::T(response.content(Problem::CONTENT_TYPE, content).build()))
    };
    by_status.into_iter().map(response).collect()
}

/// Adds what every operation can answer besides what its handler names.
pub(crate) fn complete(document: &mut Document) {
    for (address, path) in &mut document.paths.paths {
        let mut problems = AnyProblems::responses();
        if address.starts_with("/api/v1/") {
            problems.extend(ApiProblems::responses());
        }
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            for (status, response) in &problems {
                operation.responses.responses.entry(status.clone()).or_insert(response.clone());
            }
            if let Some(security) = &mut operation.security {
                // Either will do: two entries of a list, not one entry with two names.
                security.push(SecurityRequirement::new(LOGIN, [""; 0]));
            }
        }
    }
}

/// The routes of the document and its page.
///
/// # Panics
/// If the document cannot be written as JSON, which the contract test would show.
#[expect(clippy::expect_used, reason = "a document without maps with odd keys can always be written")]
pub(crate) fn router<S: Clone + Send + Sync + 'static>(document: &Document) -> Router<S> {
    // Written once: it does not change while the process runs.
    let json = Bytes::from(document.to_json().expect("a document can be written"));
    let serve = move || async move { ([(header::CONTENT_TYPE, "application/json")], json) };
    // The validator badge is an image from elsewhere.
    let config = Config::from(DOCUMENT).validator_url("none").try_it_out_enabled(true);
    let page = Router::from(SwaggerUi::new(PAGE).config(config));
    // The page may load its own files and call its own origin: nothing from outside, whatever Swagger UI tries.
    let policy =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
    let page = page
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=3600"),
        ));
    Router::new().route(DOCUMENT, get(serve)).merge(page)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn the_docs_page_may_load_nothing_from_elsewhere() {
        let app = TestApp::start().await;
        let page = app.get("/docs/").await;

        page.assert_status(StatusCode::OK);
        assert!(page.text().contains("swagger-ui"));
        // The browser enforces it, whatever the page's scripts try.
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("http"), "{policy}");
        for file in ["/docs/", "/docs/swagger-initializer.js"] {
            let text = app.get(file).await.text().to_owned();
            assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "{file}");
        }
    }
}
