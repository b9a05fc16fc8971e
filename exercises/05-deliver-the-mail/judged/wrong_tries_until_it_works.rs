//! mistake: a mail is tried until it is sent. One that is refused for ever stands in front of all others for ever.
//! fails: a_mail_that_is_refused_holds_nobody_up

#[path = "../checks.rs"]
mod checks;

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use background_work::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};
use sqlx::SqlitePool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

async fn shop(world: World, door: Door, stop: CancellationToken) {
    let (database, news) = (world.database().await, Arc::new(Notify::new()));
    let shop = Shop { database: database.clone(), news: Arc::clone(&news) };
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    let relay = async {
        while !stop.is_cancelled() {
            send_what_is_due(&database, &world.mail).await;
            stop.run_until_cancelled(news.notified()).await;
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
        while mail.send(&format!("outbox-{id}"), &email).await.is_err() {
            tokio::task::yield_now().await;
        }
        drop(sqlx::query("UPDATE outbox SET sent = 1 WHERE id = ?").bind(id).execute(database).await);
    }
}
