//! P26: jobs are kept with what they are about, done at least once, with one effect, and parked in the end.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use lettre::Message;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::{
    Settings,
    db::Executor,
    error::Cause,
    mail::Mailer,
    testing::{ADA, EVE, MailServer, TestApp},
};

/// Remembers what it was given, and fails or panics while it is told to.
#[derive(Debug, Default)]
struct Remembering {
    sent: Mutex<Vec<(Uuid, String)>>,
    fails: AtomicBool,
    panics: AtomicBool,
}

impl Mailer for Remembering {
    fn send(&self, id: Uuid, mail: Message) -> Pin<Box<dyn Future<Output = Result<(), Cause>> + Send + '_>> {
        Box::pin(async move {
            assert!(!self.panics.load(Ordering::SeqCst), "told to panic");
            if self.fails.load(Ordering::SeqCst) {
                return Err("the mail server is on fire".into());
            }
            self.sent.lock().unwrap().push((id, String::from_utf8(mail.formatted()).unwrap()));
            Ok(())
        })
    }
}

/// An app on each engine, with such a mailer.
async fn apps() -> Vec<(TestApp, Arc<Remembering>)> {
    let apps = TestApp::start_on_each_engine().await.into_iter();
    let with = |app: TestApp| {
        let mailer = Arc::new(Remembering::default());
        (app.with_mailer(mailer.clone()), mailer)
    };
    apps.map(with).collect()
}

#[tokio::test]
async fn p26_a_job_is_there_if_and_only_if_what_it_is_about_is_there() {
    for (app, mailer) in apps().await {
        app.register(&ADA).await;
        app.register_again(&ADA).await;
        assert_eq!(app.count("SELECT count(*) FROM jobs").await, 1, "{app:?}");

        assert_eq!(app.work().await, 1);

        let sent = mailer.sent.lock().unwrap().clone();
        let [(_, mail)] = sent.as_slice() else { panic!("{sent:?}") };
        assert!(mail.contains("To: \"Ada Lovelace\" <ada@example.com>"), "{mail}");
        assert!(mail.contains("Hello Ada Lovelace"), "{mail}");
        assert_eq!(app.count("SELECT count(*) FROM jobs").await, 0, "{app:?}");
    }
}

#[tokio::test]
async fn p26_a_rolled_back_transaction_takes_its_job_with_it() {
    for (app, _) in apps().await {
        let mut transaction = app.state().db.begin().await.unwrap();
        let job = super::Job::WelcomeMail { user: Uuid::nil() };
        super::push(app.state(), &mut transaction, &job).await.unwrap();
        drop(transaction);

        assert_eq!(app.work().await, 0, "{app:?}");
    }
}

#[tokio::test]
async fn p26_a_worker_that_dies_leaves_its_job_to_the_next_one_when_the_lease_is_over() {
    for (app, mailer) in apps().await {
        app.register(&ADA).await;
        // As `take` does, by somebody who is then never heard of again.
        app.execute("UPDATE jobs SET run_at = run_at + 60000, attempts = attempts + 1").await;

        assert_eq!(app.work().await, 0, "taken by two at once, {app:?}");
        app.pass(Duration::seconds(61));
        assert_eq!(app.work().await, 1, "{app:?}");
        assert_eq!(mailer.sent.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn p26_a_mail_that_is_sent_again_is_the_same_file_in_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { mail_outbox: folder.path().to_owned(), ..Settings::default() };
    let app = TestApp::start_on_each_engine_with(settings).await.remove(0);
    app.register(&ADA).await;
    let (id,): (Uuid,) = app.state().db.query("SELECT id FROM jobs").fetch_one().await.unwrap();
    let (user,): (Uuid,) = app.state().db.query("SELECT id FROM users").fetch_one().await.unwrap();

    // Done, and killed before the job was deleted.
    crate::mail::welcome(app.state(), id, user).await.unwrap();
    app.work().await;

    let files: Vec<_> = folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, [std::ffi::OsString::from(format!("{id}.eml"))]);
}

#[tokio::test]
async fn p26_eight_workers_at_once_do_each_job_once() {
    for (app, mailer) in apps().await {
        app.register(&ADA).await;
        app.work().await;
        mailer.sent.lock().unwrap().clear();
        let mut transaction = app.state().db.begin().await.unwrap();
        let (user,): (Uuid,) = transaction.query("SELECT id FROM users").fetch_one().await.unwrap();
        for _ in 0..30 {
            super::push(app.state(), &mut transaction, &super::Job::WelcomeMail { user }).await.unwrap();
        }
        transaction.commit().await.unwrap();

        let workers: Vec<_> = (0..8)
            .map(|_| {
                let app = app.clone();
                tokio::spawn(async move { app.work().await })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        app.work().await;

        let mut ids: Vec<_> = mailer.sent.lock().unwrap().iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), mailer.sent.lock().unwrap().len()), (30, 30), "{app:?}");
    }
}

#[tokio::test]
async fn p26_a_job_that_fails_is_tried_after_longer_and_longer_pauses_and_parked_after_five() {
    for (app, mailer) in apps().await {
        mailer.fails.store(true, Ordering::SeqCst);
        app.admin_session().await;
        for attempt in 1_i64..=4 {
            assert_eq!(app.work().await, 1, "attempt {attempt}, {app:?}");
            let now = i64::try_from(app.now().unix_timestamp_nanos() / 1_000_000).unwrap();
            let pause = app.count("SELECT run_at FROM jobs").await - now;
            let doubled = 2000 << attempt;
            assert!((doubled / 2..=doubled).contains(&pause), "attempt {attempt}: {pause} ms, {app:?}");
            app.pass(Duration::milliseconds(pause - 1));
            assert_eq!(app.work().await, 0, "before its time, {app:?}");
            app.pass(Duration::milliseconds(1));
        }
        assert_eq!(app.work().await, 1);
        app.pass(Duration::days(1));
        assert_eq!(app.work().await, 0, "a parked job was tried, {app:?}");

        let admin = app.post("/api/v1/auth/login", &ADA.login()).await.tokens();
        let jobs = app.get_as(&admin.access, "/api/v1/admin/jobs").await.json();
        let job = &jobs["data"][0];
        assert_eq!((&job["parked"], &job["attempts"]), (&json!(true), &json!(5)), "{jobs}");
        assert_eq!(
            (&job["kind"], &job["last_error"]),
            (&json!("welcome_mail"), &json!("the mail server is on fire"))
        );

        mailer.fails.store(false, Ordering::SeqCst);
        let path = format!("/api/v1/admin/jobs/{}/retry", job["id"].as_str().unwrap());
        app.request_as(&admin.access, "POST", &path, &[], None).await.assert_status(StatusCode::NO_CONTENT);
        assert_eq!(app.work().await, 1);
        assert_eq!(mailer.sent.lock().unwrap().len(), 1);
        let again = app.request_as(&admin.access, "POST", &path, &[], None).await;
        again.assert_problem(StatusCode::NOT_FOUND, "not-found");
    }
}

#[tokio::test]
async fn p26_a_mail_that_the_server_refuses_for_good_is_parked_at_once_and_every_other_one_is_tried_again() {
    let (url, server) = MailServer::start().await;
    let settings = Settings { mail_smtp_url: Some(url.into()), ..Settings::default() };
    for app in TestApp::start_on_each_engine_with(settings).await {
        let parked = async || app.count("SELECT count(*) FROM jobs WHERE parked_at IS NOT NULL").await;
        let before = server.taken().len();
        app.register(&ADA).await;
        // Not now; and the two that ask who we are, which is for us to mend.
        for answer in ["451 come back later", "530 log in first", "535 you are somebody else"] {
            server.answer(answer);
            assert_eq!(app.work().await, 1, "{answer}, {app:?}");
            assert_eq!(parked().await, 0, "{answer}, {app:?}");
            let error = app.text("SELECT last_error FROM jobs").await;
            assert!(error.contains(&answer[..3]), "{answer}: {error}, {app:?}");
            app.pass(Duration::hours(1));
        }
        server.answer("250 OK");
        assert_eq!(app.work().await, 1, "{app:?}");
        assert_eq!(app.count("SELECT count(*) FROM jobs").await, 0, "{app:?}");
        let taken = server.taken().split_off(before);
        let [mail] = taken.as_slice() else { panic!("{taken:?}, {app:?}") };
        assert!(mail.contains("Hello Ada Lovelace"), "{mail}");

        server.answer("550 no such mailbox");
        app.register(&EVE).await;
        assert_eq!(app.work().await, 1, "{app:?}");
        assert_eq!((parked().await, app.count("SELECT attempts FROM jobs").await), (1, 1), "{app:?}");
        let error = app.text("SELECT last_error FROM jobs").await;
        assert!(error.starts_with("refused for good: ") && error.contains("550"), "{error}, {app:?}");
        app.pass(Duration::days(1));
        assert_eq!(app.work().await, 0, "a parked job was tried, {app:?}");
        server.answer("250 OK");
    }
}

#[tokio::test]
async fn p25_a_panic_in_a_job_costs_one_attempt_and_no_worker() {
    for (app, mailer) in apps().await {
        app.register(&ADA).await;
        mailer.panics.store(true, Ordering::SeqCst);
        assert_eq!(app.work().await, 1);
        assert_eq!(app.count("SELECT attempts FROM jobs").await, 1, "{app:?}");

        mailer.panics.store(false, Ordering::SeqCst);
        app.pass(Duration::hours(1));
        assert_eq!(app.work().await, 1);
        assert_eq!(mailer.sent.lock().unwrap().len(), 1, "{app:?}");
    }
}

/// What a receiver was sent, and what it answers.
#[derive(Default)]
struct Receiver {
    deliveries: Mutex<Vec<(HeaderMap, Bytes)>>,
    broken: AtomicBool,
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.deliveries.lock().unwrap().push((headers, body));
    if receiver.broken.load(Ordering::SeqCst) { StatusCode::BAD_GATEWAY } else { StatusCode::NO_CONTENT }
}

async fn start_receiver() -> (String, Arc<Receiver>) {
    let receiver = Arc::new(Receiver::default());
    let routes = Router::new().route("/hook", post(receive)).with_state(receiver.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, receiver)
}

#[tokio::test]
async fn a_webhook_is_signed_told_again_under_the_same_id_and_only_about_the_own_items() {
    let settings = Settings { webhooks_allow_private: true, ..Settings::default() };
    for app in TestApp::start_on_each_engine_with(settings).await {
        let app = app.with_mailer(Arc::new(Remembering::default()));
        let (url, receiver) = start_receiver().await;
        let (ada, eve) = (app.session(&ADA).await, app.session(&EVE).await);
        app.work().await;
        let made = app.post_as(&ada.access, "/api/v1/webhooks", &json!({ "url": url })).await;
        made.assert_status(StatusCode::CREATED);
        receiver.broken.store(true, Ordering::SeqCst);

        app.create_item(&eve, "Ladder").await;
        app.create_item(&ada, "Umbrella").await;
        assert_eq!(app.work().await, 1, "{app:?}");
        receiver.broken.store(false, Ordering::SeqCst);
        app.pass(Duration::minutes(1));
        assert_eq!(app.work().await, 1, "{app:?}");

        let deliveries = receiver.deliveries.lock().unwrap().clone();
        assert_eq!(deliveries.len(), 2);
        let header = |number: usize, name: &str| deliveries[number].0[name].to_str().unwrap().to_owned();
        assert_eq!(header(0, "webhook-id"), header(1, "webhook-id"));
        assert_ne!(header(0, "webhook-timestamp"), header(1, "webhook-timestamp"));
        let body = std::str::from_utf8(&deliveries[1].1).unwrap();
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&event["type"], &event["item"]["title"]), (&json!("item.created"), &json!("Umbrella")));
        // As a receiver would check it, from the secret that its owner was shown.
        let secret = made.json()["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap().to_owned();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(secret).unwrap());
        let signed = format!("{}.{}.{body}", header(1, "webhook-id"), header(1, "webhook-timestamp"));
        let signature = header(1, "webhook-signature");
        let signature = BASE64_STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
    }
}
