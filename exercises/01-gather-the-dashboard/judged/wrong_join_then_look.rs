//! mistake: `join!` waits for all three before anybody looks at an error, so a refusal waits for the slowest service.
//! fails: a_dashboard_without_a_customer_is_refused_at_once, a_refused_dashboard_leaves_no_call_running

#[path = "../checks.rs"]
mod checks;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    let (customer, orders, offers) = tokio::join!(services.customer(), services.orders(), services.offers());
    Ok(Json(Dashboard { customer: customer?, orders: orders.ok(), offers: offers.ok() }))
}
