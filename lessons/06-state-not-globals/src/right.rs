//! What holds: the shop is built once and handed in, and the compiler asks for it.

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::StatusCode,
    routing::post,
};
use lab::Probes;

use crate::{Currency, Invoice, Ledger, Order};

// ANCHOR: state
/// All that a shop's service needs. Cloned for each request, so each part is a handle or small.
#[derive(Clone, Debug, FromRef)]
struct Shop {
    currency: Currency,
    ledger: Ledger,
}

impl Shop {
    fn selling_in(currency: Currency) -> Self {
        Self { currency, ledger: Ledger::default() }
    }
}

/// The service, from what it is handed and nothing else.
fn service(shop: Shop) -> Router {
    Router::new().route("/invoices", post(issue)).with_state(shop)
}

/// `FromRef` takes the state apart: the handler names the parts that it uses, and not the whole.
async fn issue(
    State(ledger): State<Ledger>,
    State(currency): State<Currency>,
    Json(order): Json<Order>,
) -> (StatusCode, Json<Invoice>) {
    (StatusCode::CREATED, Json(ledger.issue(order, currency)))
}
// ANCHOR_END: state

/// Two shops, each with its own state, in one process.
pub async fn two_shops(_: Probes) -> Router {
    // ANCHOR: composition_root
    // Stands for `main`: the one place that knows how the parts are made. Only here would the environment be read.
    let berlin = Shop::selling_in(Currency::EUR);
    let oslo = Shop::selling_in(Currency::NOK);
    // A router whose state is complete is a `Router<()>`, and goes into another like any service.
    Router::new().nest("/berlin", service(berlin)).nest("/oslo", service(oslo))
    // ANCHOR_END: composition_root
}

/// One shop with a route that was added later.
pub async fn new_route(_: Probes) -> Router {
    // ANCHOR: new_route
    async fn issued(State(ledger): State<Ledger>) -> String {
        ledger.issued().to_string()
    }

    Router::new()
        .route("/invoices", post(issue).get(issued))
        // Half a year later. Its place does not matter: without a state there is no `Router<()>` to serve.
        .route("/refunds", post(issue))
        .with_state(Shop::selling_in(Currency::EUR))
    // ANCHOR_END: new_route
}
