//! A second service, with a database, and the four tests of its suite.

use std::{pin::Pin, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{Method, StatusCode},
    routing::{get, post},
};
use futures_util::future::join_all;
use lab::{Counter, Probes};
use serde_json::{Value, json};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use tokio::sync::Barrier;

use crate::harness::{Red, ask_router, request, same};

/// The counter of databases.
pub const DATABASES: &str = "databases opened";

/// A database with a table of members.
///
/// # Panics
/// If SQLite does not work at all.
#[expect(clippy::expect_used, reason = "without SQLite in memory there is nothing to show")]
pub(crate) async fn database(opened: &Counter) -> SqlitePool {
    // It lives in its one connection, so that connection stays open.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect("sqlite::memory:").await.expect("SQLite in memory needs nothing but memory");
    let schema = "CREATE TABLE members (name TEXT PRIMARY KEY) STRICT";
    sqlx::query(schema).execute(&pool).await.expect("the schema is sound");
    opened.add_one();
    pool
}

/// The service.
pub(crate) fn members(pool: SqlitePool) -> Router {
    let add = async |State(pool): State<SqlitePool>, Json(name): Json<String>| {
        let insert = sqlx::query("INSERT INTO members (name) VALUES (?)").bind(name);
        match insert.execute(&pool).await {
            Ok(_) => StatusCode::CREATED,
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => StatusCode::CONFLICT,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    };
    let list = async |State(pool): State<SqlitePool>| {
        let names = sqlx::query_scalar("SELECT name FROM members ORDER BY name").fetch_all(&pool).await;
        names.map(Json::<Vec<String>>).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
    };
    let remove = async |State(pool): State<SqlitePool>, Path(name): Path<String>| {
        let delete = sqlx::query("DELETE FROM members WHERE name = ?").bind(name);
        match delete.execute(&pool).await.map(|done| done.rows_affected()) {
            Ok(0) => StatusCode::NOT_FOUND,
            Ok(_) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    };
    let one = axum::routing::delete(remove);
    Router::new().route("/members", get(list).merge(post(add))).route("/members/{name}", one).with_state(pool)
}

/// The world that a test finds when it begins.
pub(crate) type World = Pin<Box<dyn Future<Output = SqlitePool> + Send>>;

/// How a suite makes the world of a test.
pub(crate) type Setup = Arc<dyn Fn() -> World + Send + Sync>;

/// The four tests. Each is right: alone, it is green.
pub const TESTS: [&str; 4] =
    ["nobody is listed", "a member leaves", "a sign-up is listed", "a name is taken once"];

/// Runs one of them. `set_up` is called first; in a suite that runs all tests at the same time, `together` is where they wait for
/// each other, so that what may happen does happen.
async fn test(place: usize, set_up: &Setup, together: Option<&Barrier>) -> Result<(), Red> {
    let app = members(set_up().await);
    if let Some(together) = together {
        together.wait().await;
    }
    let ask = async |method: Method, path: &str, body: Value| {
        ask_router(app.clone(), request(method, path, &body)).await
    };
    let add =
        async |name: &str| Ok::<_, Red>(ask(Method::POST, "/members", json!(name)).await?.status.as_u16());
    let list = async || Ok::<_, Red>(ask(Method::GET, "/members", Value::Null).await?.body);
    match place {
        0 => same("the list", list().await?.as_str(), "[]"),
        1 => {
            same("a sign-up", add("ada").await?, 201)?;
            let left = ask(Method::DELETE, "/members/ada", Value::Null).await?.status.as_u16();
            same("leaving", left, 204)
        }
        2 => {
            same("a sign-up", add("ada").await?, 201)?;
            same("the list", list().await?.contains("ada"), true)
        }
        _ => {
            same("the first", add("ben").await?, 201)?;
            same("the second", add("ben").await?, 409)
        }
    }
}

/// How many of the four tests are red, in that order, one after the other.
async fn red_in_turn(order: &[usize], set_up: &Setup) -> usize {
    let mut red = 0;
    for place in order {
        red += usize::from(test(*place, set_up, None).await.is_err());
    }
    red
}

/// All orders of four tests, the written one first.
pub fn orders() -> Vec<[usize; 4]> {
    let all = (0..256).map(|n| [n / 64 % 4, n / 16 % 4, n / 4 % 4, n % 4]);
    all.filter(|order| (0..4).all(|place| order.contains(&place))).collect()
}

/// Makes a setup from the probes: once for each run of the suite.
pub(crate) type NewSuite = fn(Counter) -> Pin<Box<dyn Future<Output = Setup> + Send>>;

/// A service that runs the suite in the order in which it is written, in all orders, and at the same time.
pub(crate) fn run(probes: &Probes, suite: NewSuite) -> Router {
    let opened = probes.counter(DATABASES);
    let (one, all, together) = (opened.clone(), opened.clone(), opened);
    // The written order is the one in which its author saw it green.
    let written =
        post(async move || Json(json!({ "runs": 1, "red": red_runs(suite, one, &[[0, 1, 2, 3]]).await })));
    let every = post(async move || {
        let orders = orders();
        Json(json!({ "runs": orders.len(), "red": red_runs(suite, all, &orders).await }))
    });
    let at_once = post(async move || {
        let (set_up, barrier) = (suite(together).await, Barrier::new(TESTS.len()));
        let tests = (0..TESTS.len()).map(|place| test(place, &set_up, Some(&barrier)));
        let red = join_all(tests).await.iter().filter(|told| told.is_err()).count();
        Json(json!({ "runs": 1, "red": usize::from(red > 0), "tests_red": red }))
    });
    Router::new().route("/written", written).route("/every", every).route("/at-once", at_once)
}

async fn red_runs(suite: NewSuite, opened: Counter, orders: &[[usize; 4]]) -> usize {
    let mut red = 0;
    for order in orders {
        red += usize::from(red_in_turn(order, &suite(opened.clone()).await).await > 0);
    }
    red
}
