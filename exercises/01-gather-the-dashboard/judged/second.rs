//! Three tasks, whose handles end them.
//!
//! More code, and an allocation for each task. It buys two things that one task cannot give: the calls may run on several
//! workers, and a panic in an optional one costs only that one.

#[path = "../checks.rs"]
mod checks;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};
use tokio_util::task::AbortOnDropHandle;

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    let (for_orders, for_offers) = (services.clone(), services.clone());
    let customer = AbortOnDropHandle::new(tokio::spawn(async move { services.customer().await }));
    let orders = AbortOnDropHandle::new(tokio::spawn(async move { for_orders.orders().await }));
    let offers = AbortOnDropHandle::new(tokio::spawn(async move { for_offers.offers().await }));
    // The order of these awaits does not matter for the time. It matters that `?` comes with the first: when the customer
    // is missing, the two handles are dropped and their tasks end.
    let customer = customer.await.map_err(|_| Down("customer"))??;
    // The outer error is a panic, the inner one a refusal. Either way there is nothing to show.
    let orders = orders.await.ok().and_then(Result::ok);
    let offers = offers.await.ok().and_then(Result::ok);
    Ok(Json(Dashboard { customer, orders, offers }))
}
