//! What holds: the calls wait together, end together, and only what is indispensable may fail the page.

use axum::{Json, Router, extract::State, routing::get};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::{Dashboard, Down, Services};

/// Three futures in one task.
pub fn try_join(services: Services) -> Router {
    // ANCHOR: try_join
    async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
        // Polls all three in this task. At the first error it returns, and drops the others where they stand.
        let (customer, orders, offers) =
            tokio::try_join!(services.customer(), services.orders(), services.offers())?;
        Ok(Json(Dashboard { customer, orders: Some(orders), offers: Some(offers) }))
    }

    Router::new().route("/dashboard", get(dashboard)).with_state(services)
    // ANCHOR_END: try_join
}

/// Three tasks, for calls that also compute: they may run on several workers at once.
pub fn abort_on_drop(services: Services) -> Router {
    // ANCHOR: abort_on_drop
    async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
        let asked = (services.clone(), services.clone(), services);
        // The same three tasks as in `wrong.rs`. This handle ends its task when it is dropped, whoever drops it: the `?`
        // below, a timeout around the handler, or a client that hangs up.
        let customer = AbortOnDropHandle::new(tokio::spawn(async move { asked.0.customer().await }));
        let orders = AbortOnDropHandle::new(tokio::spawn(async move { asked.1.orders().await }));
        let offers = AbortOnDropHandle::new(tokio::spawn(async move { asked.2.offers().await }));
        let customer = customer.await.map_err(|_| Down("customer"))??;
        let orders = orders.await.map_err(|_| Down("order"))??;
        let offers = offers.await.map_err(|_| Down("offer"))??;
        Ok(Json(Dashboard { customer, orders: Some(orders), offers: Some(offers) }))
    }

    Router::new().route("/dashboard", get(dashboard)).with_state(services)
    // ANCHOR_END: abort_on_drop
}

/// Only the customer is indispensable; what else is missing is shown as missing.
pub fn partial(services: Services) -> Router {
    // ANCHOR: partial
    async fn dashboard(State(services): State<Services>) -> Result<Json<Dashboard>, Down> {
        let (customer, orders, offers) = tokio::try_join!(
            services.customer(),
            // These two branches cannot fail, so only the customer can end the page early.
            async { Ok(services.orders().await.ok()) },
            async { Ok(services.offers().await.ok()) },
        )?;
        Ok(Json(Dashboard { customer, orders, offers }))
    }

    Router::new().route("/dashboard", get(dashboard)).with_state(services)
    // ANCHOR_END: partial
}

// ANCHOR: join_set
/// Asks as many shops as there are, and keeps the offers of those that answer, in the order in which they answer.
pub async fn offers_of_all(shops: Vec<Services>) -> Vec<String> {
    // For a number of calls that is known only now. Dropping the set ends what still runs in it.
    let mut asked: JoinSet<_> = shops.into_iter().map(|shop| async move { shop.offers().await }).collect();
    let mut found = Vec::new();
    while let Some(ended) = asked.join_next().await {
        // The outer error is a panic of that one task, the inner one a refusal. Neither takes the others along.
        if let Ok(Ok(offers)) = ended {
            found.extend(offers);
        }
    }
    found
}
// ANCHOR_END: join_set
