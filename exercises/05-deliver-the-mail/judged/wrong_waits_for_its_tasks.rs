//! mistake: the tasks are waited for at the end. A crash does not wait.
//! fails: a_crash_loses_no_mail

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use background_work::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};
use sqlx::SqlitePool;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

async fn shop(world: World, door: Door, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let shop = Shop { database: world.database().await, mail: world.mail, tasks: tasks.clone() };
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    door.serve(router, &stop).await;
    tasks.close();
    tasks.wait().await;
}

#[derive(Clone)]
struct Shop {
    database: SqlitePool,
    mail: MailServer,
    tasks: TaskTracker,
}

async fn sign_up(State(shop): State<Shop>, Json(order): Json<SignUp>) -> Result<StatusCode, StatusCode> {
    let mut connection = shop.database.acquire().await.map_err(failed)?;
    create_account(&mut connection, &order.email).await?;
    let mail = shop.mail;
    shop.tasks.spawn(async move { mail.send(&order.email, &order.email).await });
    Ok(StatusCode::CREATED)
}
