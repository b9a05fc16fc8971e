//! mistake: "optional" is taken for "not worth waiting for". What is not there at once is left out, every time.
//! fails: a_dashboard_shows_what_the_three_services_say, what_cannot_be_said_is_null_and_the_rest_is_shown

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use await_together::{Dashboard, Down, Services};
use axum::{Json, Router, extract::State, routing::get};
use tokio::time::timeout;

fn app(services: Services) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(services)
}

async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
    let (customer, orders, offers) = tokio::try_join!(
        services.customer(),
        async { Ok(timeout(Duration::ZERO, services.orders()).await.ok().and_then(Result::ok)) },
        async { Ok(timeout(Duration::ZERO, services.offers()).await.ok().and_then(Result::ok)) },
    )?;
    Ok(Json(Dashboard { customer, orders, offers }))
}
