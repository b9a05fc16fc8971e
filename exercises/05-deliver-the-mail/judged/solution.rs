//! An outbox: the mail is stored in the transaction that stores the account. One relay sends what it finds there.

#[path = "../checks.rs"]
mod checks;

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use background_work::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};
use sqlx::SqlitePool;
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

/// A relay that waited for ever for one mail would keep the process from stopping.
const ONE_MAIL: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_secs(30);

async fn shop(world: World, door: Door, stop: CancellationToken) {
    let (database, news) = (world.database().await, Arc::new(Notify::new()));
    let shop = Shop { database: database.clone(), news: Arc::clone(&news) };
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    let relay = async {
        while !stop.is_cancelled() {
            send_what_is_due(&database, &world.mail).await;
            // Also without news: what has failed is due again.
            stop.run_until_cancelled(timeout(AGAIN, news.notified())).await;
        }
    };
    tokio::join!(door.serve(router, &stop), relay);
    send_what_is_due(&database, &world.mail).await;
}

#[derive(Clone)]
struct Shop {
    database: SqlitePool,
    news: Arc<Notify>,
}

async fn sign_up(State(shop): State<Shop>, Json(order): Json<SignUp>) -> Result<StatusCode, StatusCode> {
    let mut transaction = shop.database.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    create_account(&mut transaction, &order.email).await?;
    sqlx::query("INSERT INTO outbox (email) VALUES (?)")
        .bind(&order.email)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    shop.news.notify_one();
    Ok(StatusCode::CREATED)
}

async fn send_what_is_due(database: &SqlitePool, mail: &MailServer) {
    let due: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, email FROM outbox WHERE sent = 0 AND attempts < 5 ORDER BY id")
            .fetch_all(database)
            .await
            .unwrap_or_default();
    for (id, email) in due {
        let mark = match timeout(ONE_MAIL, mail.send(&format!("outbox-{id}"), &email)).await {
            Ok(Ok(())) => "UPDATE outbox SET sent = 1 WHERE id = ?",
            Ok(Err(_)) => "UPDATE outbox SET attempts = attempts + 1 WHERE id = ?",
            // The line is down; the others would fare no better.
            Err(_) => return,
        };
        // Not marked, it is sent again, with the same identifier.
        drop(sqlx::query(mark).bind(id).execute(database).await);
    }
}
