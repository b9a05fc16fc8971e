//! mistake: weighs in 32 bits, so a parcel of four tonnes and 800 grams weighs 800 grams.
//! fails: the_web_shop_answers_by_the_rule_on_sqlite

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
    let cents = match price(grams, express) {
        Ok(cents) => cents,
        Err(word) => return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "refused": word }))),
    };
    match store.keep(grams, cents).await {
        Ok(number) => (StatusCode::CREATED, Json(json!({ "number": number, "cents": cents }))),
        Err(Fault::Down) => (StatusCode::SERVICE_UNAVAILABLE, Json(Value::Null)),
    }
}

/// What a parcel costs, or why it is refused. It knows neither of the doors, nor the store.
fn price(grams: u64, express: bool) -> Result<u64, &'static str> {
    #[expect(clippy::cast_possible_truncation, reason = "the mistake that this answer is here for")]
    let cents: u64 = match grams as u32 {
        0 => return Err("empty"),
        1..=1000 => 400,
        1001..=5000 => 900,
        5001..=20_000 => 1900,
        _ => return Err("heavy"),
    };
    Ok(if express { (cents * 3).div_ceil(2) } else { cents })
}

/// The scales in the depot.
fn scales(grams: u64, express: bool) -> Result<u64, &'static str> {
    price(grams, express)
}
