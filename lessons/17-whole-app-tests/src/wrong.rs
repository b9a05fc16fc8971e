//! What people write. Against a sound build, in the order in which it was written, it is green.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::connect_info::MockConnectInfo,
    http::{Method, StatusCode},
};
use lab::{Counter, Probes};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    Quote, Shop, Wanted,
    harness::{Answer, Red, ask_address, ask_router, request, same},
    members::{self, Setup, database},
    suite::{self, SuiteFuture, for_a_report, reports_made},
};

// ANCHOR: oneshot_for_all
/// Fast, and without a socket: everything is asked of the router.
fn oneshot_for_all(shop: Shop) -> SuiteFuture {
    Box::pin(async move {
        // The handler wants a peer, and there is none: so here is one.
        let router = shop.router().layer(MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))));
        let ask = async |method, path: &str, body: &Value| {
            ask_router(router.clone(), request(method, path, body)).await
        };
        let wanted = json!(Wanted { cents: 250, pieces: 4 });
        a_quote(&ask(Method::POST, "/quotes", &wanted).await?)?;
        same("the peer", ask(Method::GET, "/peer", &Value::Null).await?.body.as_str(), "127.0.0.1")?;
        same("a login", ask(Method::POST, "/login", &ada()).await?.status, StatusCode::NO_CONTENT)?;
        let made = reports_made(&shop, || ask_router(router.clone(), for_a_report())).await?;
        same("reports at once", made, 4)
    })
}

/// Read with the type of the service, so that nothing has to be written twice.
fn a_quote(answer: &Answer) -> Result<(), Red> {
    let quote = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    same("a quote", quote, Quote { total_cents: 1000 })
}
// ANCHOR_END: oneshot_for_all

fn ada() -> Value {
    json!({ "name": "ada", "password": "a long walk in the rain" })
}

// ANCHOR: serves_it_itself
/// A real server, started by the test as the test thinks that production does.
fn serves_it_itself(shop: Shop) -> SuiteFuture {
    Box::pin(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let service = shop.router().into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(axum::serve(listener, service).into_future());
        // ANCHOR_END: serves_it_itself
        let ask =
            async |method, path: &str, body: &Value| ask_address(address, request(method, path, body)).await;
        let wanted = json!(Wanted { cents: 250, pieces: 4 });
        a_quote(&ask(Method::POST, "/quotes", &wanted).await?)?;
        same("the peer", ask(Method::GET, "/peer", &Value::Null).await?.body.as_str(), "127.0.0.1")?;
        same("a login", ask(Method::POST, "/login", &ada()).await?.status, StatusCode::NO_CONTENT)?;
        let made = reports_made(&shop, || ask_address(address, for_a_report())).await?;
        server.abort();
        same("reports at once", made, 4)
    })
}

/// A suite that asks the router.
pub async fn router_only(_: Probes) -> Router {
    suite::run(oneshot_for_all)
}

/// A suite that serves the router.
pub async fn own_server(_: Probes) -> Router {
    suite::run(serves_it_itself)
}

/// A suite on one database.
pub async fn one_database(probes: Probes) -> Router {
    // ANCHOR: one_database
    async fn suite(opened: Counter) -> Setup {
        let pool = database(&opened).await;
        Arc::new(move || Box::pin(std::future::ready(pool.clone())))
    }
    // ANCHOR_END: one_database
    members::run(&probes, |opened| Box::pin(suite(opened)))
}

/// A suite on one database that each test empties first.
pub async fn emptied_first(probes: Probes) -> Router {
    // ANCHOR: emptied_first
    async fn suite(opened: Counter) -> Setup {
        let pool = database(&opened).await;
        Arc::new(move || {
            let pool = pool.clone();
            Box::pin(async move {
                // A table that cannot be emptied makes the test red that finds something in it.
                let _ = sqlx::query("DELETE FROM members").execute(&pool).await;
                pool
            })
        })
    }
    // ANCHOR_END: emptied_first
    members::run(&probes, |opened| Box::pin(suite(opened)))
}
