//! Proves lesson 05: what a deploy and a crash leave of work that was promised, counted in mails.
//!
//! The mail server takes nothing until a test says so, so no clock decides what is on its way when a process ends.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{future::IntoFuture as _, sync::Arc, thread};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::get,
};
use background_work::{
    A_CRASH, A_DEPLOY, LESSON, Line, Machine, Main, ProcessState, REFUSED, World, right, wrong,
};
use lab::{Experiment, Report, Run};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
};
use tokio_util::sync::CancellationToken;

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

const MAINS: [(&str, Main); 3] = [
    ("spawned", |world, door, stop| Box::pin(wrong::spawned(world, door, stop))),
    ("tracked", |world, door, stop| Box::pin(right::tracked(world, door, stop))),
    ("outbox", |world, door, stop| Box::pin(right::outbox(world, door, stop))),
];

fn machine(main: usize) -> Machine {
    Machine::new(MAINS[main].1, World::new())
}

async fn sign_up(machine: &Machine, email: &str) -> StatusCode {
    let request = Request::post("/signups")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "email": email }).to_string()))
        .unwrap();
    machine.call(request).await.status()
}

#[tokio::test]
async fn with_a_mail_server_that_answers_every_variant_sends_the_mail() {
    for (name, main) in MAINS {
        let machine = Machine::new(main, World::new());
        machine.world().mail.set_line(Line::Up);

        assert_eq!(sign_up(&machine, "ada@example.com").await, StatusCode::CREATED);
        machine.world().mail.has_taken(1).await;

        assert_eq!(machine.world().mail.inbox(), ["ada@example.com"], "{name}");
    }
}

#[test]
fn a_deploy_loses_the_mail_of_a_spawned_task() {
    let report = run(&A_DEPLOY, "spawned");

    assert_eq!(report.exchanges()[1].body, json!({ "process": "has ended" }));
    assert_eq!(report.exchanges()[4].body, json!([]));
    assert!(!report.verdict.holds);
}

#[test]
fn a_process_that_waits_for_its_tasks_or_its_outbox_loses_nothing_in_a_deploy() {
    for variant in ["tracked", "outbox"] {
        let report = run(&A_DEPLOY, variant);

        assert_eq!(report.exchanges()[1].body, json!({ "process": "has something to finish" }), "{variant}");
        report.assert_holds();
    }
}

#[test]
fn a_crash_loses_every_task_whether_it_is_waited_for_or_not() {
    for variant in ["spawned", "tracked"] {
        let report = run(&A_CRASH, variant);

        assert_eq!(report.exchanges().last().unwrap().body, json!([]), "{variant}");
        assert!(!report.verdict.holds);
    }
}

#[test]
fn after_a_crash_the_next_process_finds_the_mail_in_the_outbox() {
    run(&A_CRASH, "outbox").assert_holds();
}

#[tokio::test]
async fn of_a_hundred_mails_a_stop_leaves_0_100_and_100_and_a_crash_0_0_and_100() {
    for (main, after_stop, after_crash) in [(0, 0, 0), (1, 100, 0), (2, 100, 100)] {
        for (crashes, left) in [(false, after_stop), (true, after_crash)] {
            let machine = machine(main);
            for number in 0..100 {
                assert_eq!(sign_up(&machine, &format!("{number}@example.com")).await, StatusCode::CREATED);
            }

            if crashes {
                machine.crash().await;
                machine.world().mail.set_line(Line::Up);
                machine.start().await;
                machine.stop().await;
            } else {
                machine.stop().await;
                machine.world().mail.set_line(Line::Up);
            }
            machine.ended().await;

            let arrived = machine.world().mail.inbox().len();
            assert_eq!(arrived, left, "{} after a crash: {crashes}", MAINS[main].0);
        }
    }
}

#[tokio::test]
async fn a_crash_between_sending_and_marking_sends_again_and_the_same_identifier_lets_it_arrive_once() {
    let machine = machine(2);
    machine.world().mail.set_line(Line::NoAnswers);
    sign_up(&machine, "ada@example.com").await;
    machine.world().mail.has_taken(1).await;

    machine.crash().await;
    machine.world().mail.set_line(Line::Up);
    machine.start().await;
    machine.stop().await;
    machine.ended().await;

    assert_eq!(machine.world().mail.deliveries(), 2, "at least once");
    assert_eq!(machine.world().mail.inbox(), ["ada@example.com"], "once for the reader");
}

#[tokio::test]
async fn a_mail_that_is_always_refused_is_parked_and_holds_nobody_up() {
    let machine = machine(2);
    machine.world().mail.set_line(Line::Up);
    sign_up(&machine, REFUSED).await;
    sign_up(&machine, "ada@example.com").await;
    machine.world().mail.has_taken(1).await;

    // Each process tries at its start and at its end.
    for _ in 0..right::MOST_ATTEMPTS {
        machine.stop().await;
        machine.start().await;
    }
    machine.stop().await;
    machine.ended().await;

    let database = machine.world().database().await;
    let rows: Vec<(String, i64, bool)> =
        sqlx::query_as("SELECT email, attempts, sent FROM outbox ORDER BY id")
            .fetch_all(&database)
            .await
            .unwrap();
    assert_eq!(
        rows,
        [(REFUSED.to_owned(), right::MOST_ATTEMPTS, false), ("ada@example.com".to_owned(), 0, true)]
    );
}

#[tokio::test]
async fn a_sign_up_that_is_refused_leaves_no_mail_in_the_outbox() {
    let machine = machine(2);
    machine.world().mail.set_line(Line::Up);

    assert_eq!(sign_up(&machine, "ada@example.com").await, StatusCode::CREATED);
    assert_eq!(sign_up(&machine, "ada@example.com").await, StatusCode::CONFLICT);
    machine.stop().await;
    machine.ended().await;

    assert_eq!(machine.world().mail.deliveries(), 1);
}

#[tokio::test]
async fn a_process_that_has_ended_answers_nobody() {
    let machine = machine(0);
    assert_eq!(sign_up(&machine, "ada@example.com").await, StatusCode::CREATED);
    assert_eq!(machine.stop().await, ProcessState::Ended);

    assert_eq!(sign_up(&machine, "ben@example.com").await, StatusCode::SERVICE_UNAVAILABLE);
}

/// Stops a real server while a request is in its handler, and returns what its client has read.
async fn stopped_in_the_middle(graceful: bool) -> String {
    let (stop, release) = (CancellationToken::new(), Arc::new(Semaphore::new(0)));
    let (tell_address, address) = oneshot::channel();
    let (tell_entered, entered) = oneshot::channel();
    let server = {
        let (stop, release) = (stop.clone(), Arc::clone(&release));
        move || {
            let tell_entered = Arc::new(std::sync::Mutex::new(Some(tell_entered)));
            let slow = get(async move || {
                tell_entered.lock().unwrap().take().unwrap().send(()).unwrap();
                release.acquire().await.unwrap().forget();
                "done"
            });
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                tell_address.send(listener.local_addr().unwrap()).unwrap();
                let serve = axum::serve(listener, Router::new().route("/", slow));
                if graceful {
                    serve.with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
                } else {
                    tokio::select! {
                        served = serve.into_future() => served.unwrap(),
                        () = stop.cancelled() => {}
                    }
                }
            });
            // Here `main` returns, and the runtime drops what is left.
        }
    };
    let server = thread::spawn(server);
    let mut client = TcpStream::connect(address.await.unwrap()).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").await.unwrap();
    entered.await.unwrap();

    stop.cancel();
    if graceful {
        release.add_permits(1);
    }
    tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();

    let mut answer = String::new();
    // Cut off, the client reads the end of the stream or a reset; both mean that no answer came.
    let _ = client.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_request_in_its_handler_is_cut_off_by_select_and_answered_by_a_graceful_shutdown() {
    assert_eq!(stopped_in_the_middle(false).await, "");
    let answer = stopped_in_the_middle(true).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"), "{answer}");
}
