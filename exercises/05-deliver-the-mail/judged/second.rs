//! A task for each mail, and a row for each task: the tasks are waited for, and what a crash leaves is found by its row.

#[path = "../checks.rs"]
mod checks;

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use background_work::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};
use sqlx::SqlitePool;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The longest that one mail may take, and with it the longest that a stop waits.
const ONE_MAIL: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Shop {
    database: SqlitePool,
    mail: MailServer,
    tasks: TaskTracker,
}

async fn shop(world: World, door: Door, stop: CancellationToken) {
    let (database, tasks) = (world.database().await, TaskTracker::new());
    let shop = Shop { database, mail: world.mail, tasks: tasks.clone() };
    // What earlier processes have left. Each start is one more attempt, until somebody has to look at it.
    let left: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, email FROM outbox WHERE sent = 0 AND attempts < 5 ORDER BY id")
            .fetch_all(&shop.database)
            .await
            .unwrap_or_default();
    for (id, email) in left {
        shop.send(id, email);
    }
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    door.serve(router, &stop).await;
    tasks.close();
    tasks.wait().await;
}

impl Shop {
    fn send(&self, id: i64, email: String) {
        let Self { database, mail, tasks } = self.clone();
        tasks.spawn(async move {
            let mark = match timeout(ONE_MAIL, mail.send(&format!("outbox-{id}"), &email)).await {
                Ok(Ok(())) => "UPDATE outbox SET sent = 1 WHERE id = ?",
                Ok(Err(_)) => "UPDATE outbox SET attempts = attempts + 1 WHERE id = ?",
                // The next start finds it.
                Err(_) => return,
            };
            drop(sqlx::query(mark).bind(id).execute(&database).await);
        });
    }
}

async fn sign_up(State(shop): State<Shop>, Json(order): Json<SignUp>) -> Result<StatusCode, StatusCode> {
    let mut transaction = shop.database.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    create_account(&mut transaction, &order.email).await?;
    let id = sqlx::query_scalar("INSERT INTO outbox (email) VALUES (?) RETURNING id")
        .bind(&order.email)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    shop.send(id, order.email);
    Ok(StatusCode::CREATED)
}
