//! mistake: the handler waits until the mail is sent. Nothing is lost in a deploy, and nobody can sign up while it is slow.
//! fails: a_deploy_loses_no_mail, a_crash_loses_no_mail

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use background_work::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};
use sqlx::SqlitePool;
use tokio_util::sync::CancellationToken;

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

async fn sign_up(State(shop): State<Shop>, Json(order): Json<SignUp>) -> Result<StatusCode, StatusCode> {
    let mut connection = shop.database.acquire().await.map_err(failed)?;
    create_account(&mut connection, &order.email).await?;
    shop.mail.send(&order.email, &order.email).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::CREATED)
}
