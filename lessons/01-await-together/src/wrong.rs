//! What people write. Every dashboard is right when all services are well, and a functional test is green.

use axum::{Json, Router, extract::State, routing::get};

use crate::{Dashboard, Down, Services};

/// A handler that reads like the list of what it needs.
pub fn in_turn(services: Services) -> Router {
    // ANCHOR: in_turn
    async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
        // Each await ends before the next line begins. Nothing here needs the line above, and all of it waits for it.
        let customer = services.customer().await?;
        let orders = services.orders().await?;
        let offers = services.offers().await?;
        Ok(Json(Dashboard { customer, orders: Some(orders), offers: Some(offers) }))
    }

    Router::new().route("/dashboard", get(dashboard)).with_state(services)
    // ANCHOR_END: in_turn
}

/// A handler by somebody who knows promises and tasks from another language.
pub fn futures_first(services: Services) -> Router {
    // ANCHOR: futures_first
    async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
        let customer = services.customer();
        let orders = services.orders();
        let offers = services.offers();
        // In JavaScript all three would be on their way by now. A Rust future has done nothing before it is polled, and
        // the second is polled when the first has ended.
        let (customer, orders, offers) = (customer.await?, orders.await?, offers.await?);
        Ok(Json(Dashboard { customer, orders: Some(orders), offers: Some(offers) }))
    }

    Router::new().route("/dashboard", get(dashboard)).with_state(services)
    // ANCHOR_END: futures_first
}

/// A handler that really asks all three at once, and forgets two of them when the first one fails.
pub fn spawned(services: Services) -> Router {
    // ANCHOR: spawned
    async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
        let asked = (services.clone(), services.clone(), services);
        let customer = tokio::spawn(async move { asked.0.customer().await });
        let orders = tokio::spawn(async move { asked.1.orders().await });
        let offers = tokio::spawn(async move { asked.2.offers().await });
        // `?` leaves the function and drops the other handles. Dropping a handle does not end its task: it detaches it.
        let customer = customer.await.map_err(|_| Down("customer"))??;
        let orders = orders.await.map_err(|_| Down("order"))??;
        let offers = offers.await.map_err(|_| Down("offer"))??;
        Ok(Json(Dashboard { customer, orders: Some(orders), offers: Some(offers) }))
    }

    Router::new().route("/dashboard", get(dashboard)).with_state(services)
    // ANCHOR_END: spawned
}

/// A handler for which the advertisement is as important as the customer.
pub fn all_or_nothing(services: Services) -> Router {
    // ANCHOR: all_or_nothing
    async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
        // The first error is the error of the whole page, whichever service it comes from.
        let (customer, orders, offers) =
            tokio::try_join!(services.customer(), services.orders(), services.offers())?;
        Ok(Json(Dashboard { customer, orders: Some(orders), offers: Some(offers) }))
    }

    Router::new().route("/dashboard", get(dashboard)).with_state(services)
    // ANCHOR_END: all_or_nothing
}
