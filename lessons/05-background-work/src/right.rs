//! What holds: work that is waited for, and work that is written down before it is promised.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use sqlx::SqlitePool;
use tokio::{sync::Notify, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Door, MailServer, SignUp, World,
    world::{create_account, failed},
};

/// How long a stopping process waits for its work. Less than the time after which the orchestrator kills it.
const GRACE: Duration = Duration::from_secs(20);

/// How long one mail may take. A relay that waited for ever would stop all mails behind it, and the process from stopping.
const ONE_MAIL: Duration = Duration::from_secs(10);

/// How long what has failed waits for its next attempt.
const AGAIN: Duration = Duration::from_secs(30);

/// A mail that was refused so often is parked for a person to look at.
pub const MOST_ATTEMPTS: i64 = 5;

/// A service that knows its tasks and waits for them. A crash still loses them: right for work that may be lost.
pub async fn tracked(world: World, door: Door, stop: CancellationToken) {
    // ANCHOR: tracked
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

    let tasks = TaskTracker::new();
    let shop = Shop { database: world.database().await, mail: world.mail, tasks: tasks.clone() };
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    // First the requests, since they make tasks; then the tasks; and not for ever.
    door.serve(router, &stop).await;
    tasks.close();
    if timeout(GRACE, tasks.wait()).await.is_err() {
        eprintln!("{} mails were not sent: the mail server took longer than {GRACE:?}", tasks.len());
    }
    // ANCHOR_END: tracked
}

/// A service that stores the mail with the account, in one transaction, and sends it from there.
pub async fn outbox(world: World, door: Door, stop: CancellationToken) {
    // ANCHOR: outbox
    #[derive(Clone)]
    struct Shop {
        database: SqlitePool,
        /// Wakes the relay. The mail does not hang on it: what is in the outbox is found anyway.
        news: Arc<Notify>,
    }

    async fn sign_up(State(shop): State<Shop>, Json(order): Json<SignUp>) -> Result<StatusCode, StatusCode> {
        let mut transaction = shop.database.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        create_account(&mut transaction, &order.email).await?;
        // Both or neither: there is no moment in which the account exists and the mail is only in somebody's head.
        sqlx::query("INSERT INTO outbox (email) VALUES (?)")
            .bind(&order.email)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        shop.news.notify_one();
        Ok(StatusCode::CREATED)
    }

    let (database, news) = (world.database().await, Arc::new(Notify::new()));
    let shop = Shop { database: database.clone(), news: Arc::clone(&news) };
    let router = Router::new().route("/signups", post(sign_up)).with_state(shop);
    let relay = async {
        // At the start first: that is where the mails of a process that has crashed are found.
        while !stop.is_cancelled() {
            send_what_is_due(&database, &world.mail).await;
            // Also without news: what has failed is due again.
            stop.run_until_cancelled(timeout(AGAIN, news.notified())).await;
        }
    };
    tokio::join!(door.serve(router, &stop), relay);
    // What came last. If this takes too long, it may be cut: the next process finds the rest.
    let last = timeout(GRACE, send_what_is_due(&database, &world.mail));
    drop(last.await);
    // ANCHOR_END: outbox
}

// ANCHOR: relay
/// Sends the mails that are in the outbox, oldest first. Each is sent *at least* once: a crash between sending and marking
/// repeats it. Its row's number goes along as the Message-ID, so that the second one can be told and dropped.
async fn send_what_is_due(database: &SqlitePool, mail: &MailServer) {
    let due: Result<Vec<(i64, String)>, _> =
        sqlx::query_as("SELECT id, email FROM outbox WHERE sent = 0 AND attempts < ? ORDER BY id LIMIT 100")
            .bind(MOST_ATTEMPTS)
            .fetch_all(database)
            .await;
    let due = due.unwrap_or_else(|error| {
        eprintln!("the outbox cannot be read, and is tried again later: {error}");
        Vec::new()
    });
    for (id, email) in due {
        let mark = match timeout(ONE_MAIL, mail.send(&format!("outbox-{id}"), &email)).await {
            Ok(Ok(())) => "UPDATE outbox SET sent = 1 WHERE id = ?",
            // Counted, so that a mail that can never be sent does not stand in front of the others for ever.
            Ok(Err(_)) => "UPDATE outbox SET attempts = attempts + 1 WHERE id = ?",
            // No fault of this mail, and the others would fare no better.
            Err(_) => return,
        };
        if let Err(error) = sqlx::query(mark).bind(id).execute(database).await {
            eprintln!("mail {id} cannot be marked, and will be sent again: {error}");
        }
    }
}
// ANCHOR_END: relay
