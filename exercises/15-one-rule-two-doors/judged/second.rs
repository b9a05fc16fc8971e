//! A parcel that is accepted is a type, and only the rule makes one.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
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

/// A parcel that is accepted. Whoever has one has a price, and there is no other way to it than the rule.
struct Accepted {
    grams: u64,
    cents: u64,
}

impl Accepted {
    const CLASSES: [(u64, u64); 3] = [(1000, 400), (5000, 900), (20_000, 1900)];

    fn new(grams: u64, express: bool) -> Result<Self, &'static str> {
        if grams == 0 {
            return Err("empty");
        }
        let class = Self::CLASSES.iter().find(|(most, _)| grams <= *most);
        let cents = class.ok_or("heavy")?.1;
        Ok(Self { grams, cents: if express { cents + cents.div_ceil(2) } else { cents } })
    }

    /// The use case: it can be called by a door that is not made for browsers.
    async fn keep_in(self, store: &impl Store) -> Result<Kept, Fault> {
        let number = store.keep(self.grams, self.cents).await?;
        Ok(Kept { number, cents: self.cents })
    }
}

#[derive(Serialize)]
struct Kept {
    number: u64,
    cents: u64,
}

/// The web shop.
fn app<S: Store>(store: S) -> Router {
    Router::new().route("/parcels", post(take::<S>)).with_state(store)
}

async fn take<S: Store>(State(store): State<S>, Json(parcel): Json<Parcel>) -> Result<Response, Response> {
    let refused = |word| (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "refused": word }))).into_response();
    let accepted = Accepted::new(parcel.grams, parcel.express).map_err(refused)?;
    let down = |Fault::Down| StatusCode::SERVICE_UNAVAILABLE.into_response();
    let kept = accepted.keep_in(&store).await.map_err(down)?;
    Ok((StatusCode::CREATED, Json(kept)).into_response())
}

/// The scales in the depot.
fn scales(grams: u64, express: bool) -> Result<u64, &'static str> {
    Accepted::new(grams, express).map(|accepted| accepted.cents)
}
