//! mistake: the tasks are spawned and their handles dropped at the error. A dropped handle lets its task run on.
//! fails: a_refused_dashboard_leaves_no_call_running

#[path = "../checks.rs"]
mod checks;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    let (for_orders, for_offers) = (services.clone(), services.clone());
    let orders = tokio::spawn(async move { for_orders.orders().await });
    let offers = tokio::spawn(async move { for_offers.offers().await });
    let customer = services.customer().await?;
    let orders = orders.await.ok().and_then(Result::ok);
    let offers = offers.await.ok().and_then(Result::ok);
    Ok(Json(Dashboard { customer, orders, offers }))
}
