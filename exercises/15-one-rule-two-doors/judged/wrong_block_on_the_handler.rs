//! mistake: the scales call the handler, on a runtime of their own; from async code that panics.
//! fails: the_scales_can_be_called_from_async_code

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::SqlitePool;

/// The store cannot be reached.
#[derive(Debug)]
enum Fault {
    Down,
}

/// Where parcels are kept.
trait Store: Clone + Send + Sync + 'static {
    /// Keeps a parcel and gives it a number.
    fn keep(&self, grams: u64, cents: u64) -> impl Future<Output = Result<u64, Fault>> + Send;
}

/// Parcels in a table.
#[derive(Clone)]
struct Sqlite(SqlitePool);

impl Store for Sqlite {
    async fn keep(&self, grams: u64, cents: u64) -> Result<u64, Fault> {
        let (grams, cents) = (grams.cast_signed(), cents.cast_signed());
        let insert = sqlx::query("INSERT INTO parcels (grams, cents) VALUES (?, ?)").bind(grams).bind(cents);
        let kept = insert.execute(&self.0).await.map_err(|_| Fault::Down)?;
        Ok(kept.last_insert_rowid().cast_unsigned())
    }
}

#[derive(Deserialize)]
struct Parcel {
    grams: u64,
    express: bool,
}

type Answer = (StatusCode, Json<Value>);

/// The web shop.
fn app<S: Store>(store: S) -> Router {
    Router::new().route("/parcels", post(take::<S>)).with_state(store)
}

async fn take<S: Store>(State(store): State<S>, Json(Parcel { grams, express }): Json<Parcel>) -> Answer {
    let refused = |word| (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "refused": word })));
    let cents: u64 = match grams {
        0 => return refused("empty"),
        1..=1000 => 400,
        1001..=5000 => 900,
        5001..=20_000 => 1900,
        _ => return refused("heavy"),
    };
    let cents = if express { (cents * 3).div_ceil(2) } else { cents };
    match store.keep(grams, cents).await {
        Ok(number) => (StatusCode::CREATED, Json(json!({ "number": number, "cents": cents }))),
        Err(Fault::Down) => (StatusCode::SERVICE_UNAVAILABLE, Json(Value::Null)),
    }
}

/// A store that forgets: the scales only want the price.
#[derive(Clone)]
struct Nowhere;

impl Store for Nowhere {
    async fn keep(&self, _: u64, _: u64) -> Result<u64, Fault> {
        Ok(0)
    }
}

/// The scales in the depot: they ask the handler, so that there is one rule.
#[expect(clippy::expect_used, reason = "without a runtime the handler cannot be asked")]
fn scales(grams: u64, express: bool) -> Result<u64, &'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
    let (_, Json(said)) = runtime.block_on(take(State(Nowhere), Json(Parcel { grams, express })));
    said["cents"].as_u64().ok_or(if said["refused"] == "empty" { "empty" } else { "heavy" })
}
