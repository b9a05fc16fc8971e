//! mistake: the indispensable call goes first and alone, which is safe and makes every page wait twice.
//! fails: the_three_services_are_asked_at_the_same_time

#[path = "../checks.rs"]
mod checks;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    let customer = services.customer().await?;
    let (orders, offers) = tokio::join!(services.orders(), services.offers());
    Ok(Json(Dashboard { customer, orders: orders.ok(), offers: offers.ok() }))
}
