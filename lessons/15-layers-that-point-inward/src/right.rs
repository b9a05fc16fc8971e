//! What holds: the domain knows nobody, and each door translates between it and one kind of client.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use lab::Probes;
use ordering::{Line, Order, Orders, Refusal};
use serde_json::{Value, json};

use crate::{
    Database, Example, OrderBody, Placed,
    door::{Import, refused},
    examples::TryFuture,
    read,
};

// ANCHOR: doors
fn priced(body: OrderBody) -> Result<Order, Refusal> {
    let lines: Vec<Line> = body.lines.into_iter().map(Line::from).collect();
    Order::new(body.member, &lines)
}

/// The door for browsers: a body becomes an order, a refusal becomes a status.
async fn place<O: Orders>(State(orders): State<O>, Json(body): Json<OrderBody>) -> Result<Placed, Response> {
    let order = priced(body).map_err(|refusal| refused(&refusal.to_string()))?;
    let receipt = ordering::place(&orders, &order).await;
    let receipt = receipt.map_err(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())?;
    Ok(Placed { number: receipt.number, total_cents: receipt.total })
}

/// The door for files: a line becomes an order, a refusal becomes a word in the protocol of the night.
async fn import<O: Orders>(
    State(orders): State<O>,
    Json(import): Json<Import>,
) -> Result<Json<Value>, StatusCode> {
    let mut said = Vec::new();
    for body in import.file.lines().map(read) {
        said.push(match priced(body.ok_or(StatusCode::BAD_REQUEST)?) {
            Err(refusal) => json!(refusal.to_string()),
            Ok(order) => {
                let receipt = ordering::place(&orders, &order).await;
                json!(receipt.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?.total)
            }
        });
    }
    Ok(Json(json!(said)))
}
// ANCHOR_END: doors

/// The service on whatever keeps orders.
pub fn service<O: Orders + Clone + Send + Sync + 'static>(orders: O) -> Router {
    Router::new().route("/orders", post(place::<O>)).route("/import", post(import::<O>)).with_state(orders)
}

/// The service on a database.
#[expect(clippy::expect_used, reason = "without SQLite in memory there is nothing to show")]
pub async fn rule_in_the_domain(probes: Probes) -> Router {
    service(Database::in_memory(&probes).await.expect("SQLite in memory needs nothing but memory"))
}

// ANCHOR: test_by_calling
/// What a test of the rule has to do.
pub(crate) fn try_it(_: Probes, Example { member, line }: Example) -> TryFuture {
    let said = Order::new(member, &[line]).map(|order| order.total());
    // Only the shape of the experiment wants a future here.
    Box::pin(std::future::ready(said.map_err(|refusal| refusal.to_string())))
}
// ANCHOR_END: test_by_calling
