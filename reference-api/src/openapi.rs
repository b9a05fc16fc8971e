//! The contract: an OpenAPI document that comes from the handlers, and a page to try it on that needs no network.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// What the document says about the whole API; the paths come from the routers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Reference API",
        description = "Accounts, sessions and items. Register, log in, press *Authorize* and paste the access token.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "auth", description = "Register, log in, refresh, log out"),
        (name = "users", description = "The own account"),
        (name = "items", description = "The own items"),
        (name = "health", description = "For whoever watches over the service"),
    ),
    modifiers(&AccessToken),
)]
pub(crate) struct ApiDoc;

struct AccessToken;

impl Modify for AccessToken {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The `access_token` of a login."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("access_token", SecurityScheme::Http(scheme));
    }
}

/// The page at `/docs`. Script and style are part of the program.
pub(crate) fn docs_page(document: Document) -> SwaggerUi {
    SwaggerUi::new("/docs")
        .url("/api/v1/openapi.json", document)
        .config(Config::default().persist_authorization(true).try_it_out_enabled(true).validator_url("none"))
}
