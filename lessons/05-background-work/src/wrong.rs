//! What people write. The answer comes at once, the mail goes out a moment later, and a test that waits a moment is green.

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use sqlx::SqlitePool;
use tokio_util::sync::CancellationToken;

use crate::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};

/// A service that sends the mail in a task that nobody waits for.
pub async fn spawned(world: World, door: Door, stop: CancellationToken) {
    // ANCHOR: spawned
    #[derive(Clone)]
    struct Shop {
        database: SqlitePool,
        mail: MailServer,
    }

    async fn sign_up(State(shop): State<Shop>, Json(order): Json<SignUp>) -> Result<StatusCode, StatusCode> {
        let mut connection = shop.database.acquire().await.map_err(failed)?;
        create_account(&mut connection, &order.email).await?;
        // The handle is dropped, so the task is on its own: nobody knows that it runs, and nobody will miss it.
        tokio::spawn(async move { shop.mail.send(&order.email, &order.email).await });
        Ok(StatusCode::CREATED)
    }

    let shop = Shop { database: world.database().await, mail: world.mail };
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    // Waits for requests that have begun. The mail is in none of them. When `main` returns, the runtime drops every task.
    door.serve(router, &stop).await;
    // ANCHOR_END: spawned
}
