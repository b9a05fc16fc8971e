//! mistake: the mail goes out first. Whoever is refused gets a welcome all the same, and a crash loses it as before.
//! fails: a_sign_up_sends_one_mail, a_deploy_loses_no_mail, a_crash_loses_no_mail

#[path = "../checks.rs"]
mod checks;

use std::sync::atomic::{AtomicU64, Ordering};

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
    static SENT: AtomicU64 = AtomicU64::new(0);
    let id = format!("mail-{}", SENT.fetch_add(1, Ordering::Relaxed));
    let (mail, email) = (shop.mail, order.email.clone());
    tokio::spawn(async move { mail.send(&id, &email).await });
    let mut connection = shop.database.acquire().await.map_err(failed)?;
    create_account(&mut connection, &order.email).await?;
    Ok(StatusCode::CREATED)
}
