//! What people write. The web shop is right, and its tests are green.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use lab::Probes;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    Database, Example, OrderBody, Placed, REQUESTS,
    database::KEEP,
    door::{Import, refused},
    examples::TryFuture,
    read,
};

// ANCHOR: rule_in_the_handler
/// One function, from the body to the row. Nobody has to look anywhere else.
async fn place(State(database): State<Database>, Json(body): Json<OrderBody>) -> Result<Placed, Response> {
    if body.lines.is_empty() {
        return Err(refused("empty"));
    }
    if body.lines.iter().any(|line| !(1..=100).contains(&line.pieces)) {
        return Err(refused("pieces"));
    }
    let pieces: u64 = body.lines.iter().map(|line| line.pieces).sum();
    let cost = |sum: u64, cents: u64, pieces| sum.checked_add(cents.checked_mul(pieces)?);
    let total = body.lines.iter().try_fold(0, |sum, line| cost(sum, line.cents, line.pieces));
    let mut total = total.ok_or_else(|| refused("too much"))?;
    if pieces >= 10 {
        total -= total / 10;
    }
    if body.member {
        total -= total / 20;
    }
    if total > 1_000_000 {
        return Err(refused("too much"));
    }
    let number = insert(&database, total).await.map_err(IntoResponse::into_response)?;
    Ok(Placed { number, total_cents: total })
}
// ANCHOR_END: rule_in_the_handler

// ANCHOR: copy
/// The import was written in spring, after the handler of that time. Since then the handler got a discount for members, and
/// after an order for two million, the limits.
async fn import(
    State(database): State<Database>,
    Json(import): Json<Import>,
) -> Result<Json<Value>, StatusCode> {
    let mut said = Vec::new();
    for order in import.file.lines().map(read) {
        let lines = order.ok_or(StatusCode::BAD_REQUEST)?.lines;
        let mut total: u64 = lines.iter().map(|line| line.cents.saturating_mul(line.pieces)).sum();
        let pieces: u64 = lines.iter().map(|line| line.pieces).sum();
        if pieces > 10 {
            total -= total / 10;
        }
        insert(&database, total).await?;
        said.push(total);
    }
    Ok(Json(json!(said)))
}
// ANCHOR_END: copy

async fn insert(database: &Database, total: u64) -> Result<u64, StatusCode> {
    let unavailable = |_| StatusCode::SERVICE_UNAVAILABLE;
    let total = i64::try_from(total).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    let kept = sqlx::query(database.counted(KEEP)).bind(total).execute(&database.pool).await;
    u64::try_from(kept.map_err(unavailable)?.last_insert_rowid()).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

#[expect(clippy::expect_used, reason = "without SQLite in memory there is nothing to show")]
async fn database(probes: &Probes) -> Database {
    Database::in_memory(probes).await.expect("SQLite in memory needs nothing but memory")
}

/// The service with the rule in its handlers.
pub async fn rule_in_the_handler(probes: Probes) -> Router {
    let routes = Router::new().route("/orders", post(place)).route("/import", post(import));
    routes.with_state(database(&probes).await)
}

// ANCHOR: service
/// A layer of its own, in a folder called `services`. It takes a body, asks a pool, and answers with a response.
#[derive(Clone, Debug)]
struct OrderService {
    database: Database,
}

impl OrderService {
    async fn place(&self, body: OrderBody) -> Result<Placed, Response> {
        place(State(self.database.clone()), Json(body)).await
    }
}

/// One rule for both doors, at last. But what came back was made for a browser: why an order was refused is in a body.
async fn import_by_service(
    State(service): State<OrderService>,
    Json(import): Json<Import>,
) -> Result<Json<Value>, StatusCode> {
    let mut said = Vec::new();
    for order in import.file.lines().map(read) {
        match service.place(order.ok_or(StatusCode::BAD_REQUEST)?).await {
            Ok(placed) => said.push(json!(placed.total_cents)),
            Err(response) => said.push(json!(response.status().as_u16())),
        }
    }
    Ok(Json(json!(said)))
}
// ANCHOR_END: service

/// The service whose second door calls what was made for the first.
pub async fn handler_behind_the_import(probes: Probes) -> Router {
    let place =
        async |State(service): State<OrderService>, Json(body): Json<OrderBody>| service.place(body).await;
    let routes = Router::new().route("/orders", post(place)).route("/import", post(import_by_service));
    routes.with_state(OrderService { database: database(&probes).await })
}

// ANCHOR: test_through_the_router
/// What a test of the rule has to do: a database, a service, a request, and an answer to take apart.
pub(crate) fn try_through_the_router(probes: Probes, Example { member, line }: Example) -> TryFuture {
    Box::pin(async move {
        let service = rule_in_the_handler(probes.clone()).await;
        let body = json!({ "member": member, "lines": [{ "cents": line.cents, "pieces": line.pieces }] });
        let request = Request::post("/orders").header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_string())).map_err(|error| error.to_string())?;
        probes.counter(REQUESTS).add_one();
        let answer = service.oneshot(request).await.unwrap_or_else(|never| match never {});
        taken_apart(answer).await
    })
}
// ANCHOR_END: test_through_the_router

pub(crate) fn try_through_the_service(probes: Probes, Example { member, line }: Example) -> TryFuture {
    Box::pin(async move {
        let service = OrderService { database: database(&probes).await };
        let lines = vec![crate::LineBody { cents: line.cents, pieces: line.pieces }];
        taken_apart(service.place(OrderBody { member, lines }).await.into_response()).await
    })
}

async fn taken_apart(answer: Response) -> Result<u64, String> {
    let body = to_bytes(answer.into_body(), 1024).await.map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    body["total_cents"].as_u64().ok_or_else(|| body["refused"].as_str().unwrap_or_default().to_owned())
}
