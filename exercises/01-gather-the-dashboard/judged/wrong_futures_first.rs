//! mistake: the futures are made first and awaited afterwards. A future that nobody polls has not begun.
//! fails: the_three_services_are_asked_at_the_same_time

#[path = "../checks.rs"]
mod checks;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    let customer = services.customer();
    let orders = services.orders();
    let offers = services.offers();
    let customer = customer.await?;
    Ok(Json(Dashboard { customer, orders: orders.await.ok(), offers: offers.await.ok() }))
}
