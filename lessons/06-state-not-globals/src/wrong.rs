//! What people write. Each service is right as long as it is alone in its process, or nobody adds a route to it.

use std::{env, sync::OnceLock};

use axum::{
    Extension, Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post,
};
use lab::Probes;

use crate::{Currency, Invoice, Ledger, Order};

/// Two shops, each of which sets up the one global.
pub async fn in_a_static(_: Probes) -> Router {
    // ANCHOR: in_a_static
    struct Shop {
        currency: Currency,
        ledger: Ledger,
    }

    static SHOP: OnceLock<Shop> = OnceLock::new();

    fn service(currency: Currency) -> Router {
        // The second call changes nothing: whoever comes first decides for the whole process.
        SHOP.get_or_init(|| Shop { currency, ledger: Ledger::default() });
        Router::new().route("/invoices", post(issue))
    }

    async fn issue(Json(order): Json<Order>) -> Result<(StatusCode, Json<Invoice>), StatusCode> {
        let shop = SHOP.get().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok((StatusCode::CREATED, Json(shop.ledger.issue(order, shop.currency))))
    }
    // ANCHOR_END: in_a_static

    Router::new().nest("/berlin", service(Currency::EUR)).nest("/oslo", service(Currency::NOK))
}

/// Two shops whose ledgers are handed in. The currency is not: the handler knows where to look.
pub async fn env_in_handler(_: Probes) -> Router {
    // ANCHOR: env_in_handler
    async fn issue(State(ledger): State<Ledger>, Json(order): Json<Order>) -> (StatusCode, Json<Invoice>) {
        // Looked up on each request, with a default that hides a missing or misspelt variable.
        let code = env::var("SHOP_CURRENCY").unwrap_or_else(|_| "EUR".to_owned());
        let currency = Currency::of(&code).unwrap_or(Currency::EUR);
        (StatusCode::CREATED, Json(ledger.issue(order, currency)))
    }
    // ANCHOR_END: env_in_handler

    let service = || Router::new().route("/invoices", post(issue)).with_state(Ledger::default());
    Router::new().nest("/berlin", service()).nest("/oslo", service())
}

/// A shop that hands its ledger to the handlers by a layer.
pub async fn extension(_: Probes) -> Router {
    // ANCHOR: extension
    async fn issue(Extension(ledger): Extension<Ledger>, Json(order): Json<Order>) -> impl IntoResponse {
        (StatusCode::CREATED, Json(ledger.issue(order, Currency::EUR)))
    }

    async fn issued(Extension(ledger): Extension<Ledger>) -> String {
        ledger.issued().to_string()
    }

    Router::new()
        .route("/invoices", post(issue).get(issued))
        .layer(Extension(Ledger::default()))
        // Half a year later. The layer above is around what stands above it.
        .route("/refunds", post(issue))
    // ANCHOR_END: extension
}
