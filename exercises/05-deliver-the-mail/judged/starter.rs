//! The shop's service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use background_work::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};
use sqlx::SqlitePool;
use tokio_util::sync::CancellationToken;

/// The service's `main`. The checks start it through this function: keep its name, its parameters and its type.
async fn shop(world: World, door: Door, stop: CancellationToken) {
    let shop = Shop { database: world.database().await, mail: world.mail };
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    door.serve(router, &stop).await;
}

#[derive(Clone)]
struct Shop {
    database: SqlitePool,
    mail: MailServer,
}

/// Stores an account, and sends a welcome mail.
async fn sign_up(State(shop): State<Shop>, Json(order): Json<SignUp>) -> Result<StatusCode, StatusCode> {
    let mut connection = shop.database.acquire().await.map_err(failed)?;
    create_account(&mut connection, &order.email).await?;
    let mail = shop.mail;
    tokio::spawn(async move { mail.send(&order.email, &order.email).await });
    Ok(StatusCode::CREATED)
}
