//! One task polls all three. Two of the branches cannot fail, so only the customer can end the page early.

#[path = "../checks.rs"]
mod checks;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    // At the customer's error `try_join!` returns and drops the other two calls where they stand. Both only read, so
    // nothing is left half done.
    let (customer, orders, offers) =
        tokio::try_join!(services.customer(), async { Ok(services.orders().await.ok()) }, async {
            Ok(services.offers().await.ok())
        },)?;
    Ok(Json(Dashboard { customer, orders, offers }))
}
