//! mistake: the first error is the error of the page, also where the page could do without.
//! fails: what_cannot_be_said_is_null_and_the_rest_is_shown

#[path = "../checks.rs"]
mod checks;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    let (customer, orders, offers) =
        tokio::try_join!(services.customer(), services.orders(), services.offers())?;
    Ok(Json(Dashboard { customer, orders: Some(orders), offers: Some(offers) }))
}
