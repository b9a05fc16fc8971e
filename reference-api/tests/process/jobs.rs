//! P26: a job is done at least once and has one effect, wherever the service is killed.

use std::{
    collections::BTreeSet,
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    home::Home,
    service::{Reply, Request, can_be_killed_at_calls, read_message},
};

/// Every system call by which SQLite changes its files.
const WRITES: &str = "pwrite64,fsync,fdatasync,ftruncate,unlink";

/// Somebody's server for webhooks.
struct Receiver(TcpListener);

/// A request that waits for its answer.
struct Delivery {
    id: String,
    stream: TcpStream,
}

impl Receiver {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.0.local_addr().unwrap())
    }

    fn next(&self) -> Delivery {
        let (mut stream, _) = self.0.accept().unwrap();
        let (head, _) = read_message(&mut stream, &mut Vec::new()).unwrap();
        let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap().to_owned();
        Delivery { id, stream }
    }

    /// Takes all that comes; the identifiers of it.
    fn take_all(self) -> Arc<Mutex<Vec<String>>> {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let ids = Arc::clone(&taken);
        thread::spawn(move || {
            loop {
                let delivery = self.next();
                ids.lock().unwrap().push(delivery.id.clone());
                delivery.take();
            }
        });
        taken
    }
}

impl Delivery {
    fn take(mut self) {
        // Whoever sent it may be dead.
        let _ = self.stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    }
}

/// An item whose making leads to a job. Sent again it is the same request.
fn an_item(token: &str) -> Request<'_> {
    Request { path: "/items", token, key: "once", body: r#"{"title": "Umbrella"}"# }
}

async fn items_and_jobs(home: &Home) -> (i64, i64) {
    (home.number("SELECT count(*) FROM items").await, home.number("SELECT count(*) FROM jobs").await)
}

/// The lease of whoever was killed ends: a minute goes by for the table, and not for us.
async fn a_minute_goes_by(home: &Home) {
    home.execute("UPDATE jobs SET run_at = run_at - 60000").await;
}

#[tokio::test]
async fn p26_killed_at_any_write_of_sqlite_a_job_is_done_in_the_end_and_has_one_effect() {
    if !can_be_killed_at_calls() {
        return;
    }
    let receiver = Receiver::new();
    let template = Home::on_sqlite();
    let token = template.move_in(Some(&receiver.url())).await;
    template.execute("DELETE FROM jobs").await;
    let taken = receiver.take_all();
    let mut places = BTreeSet::new();
    for n in 1.. {
        let home = template.copy();
        let mut told = false;
        let mut ended = None;
        if let Some(mut service) = home.start_to_be_killed_at(WRITES, n, "1") {
            told = matches!(service.ask(&an_item(&token)), Reply::Whole { status: 201, .. });
            // Until the webhook is delivered, or the process dies before.
            service.hear("job done");
            service.terminate();
            ended = service.ended();
        }
        let (items, jobs) = items_and_jobs(&home).await;
        let delivered = std::mem::take(&mut *taken.lock().unwrap());
        places.insert((items, jobs, delivered.len()));
        assert!(items == 1 || !told, "call {n}: the client was told of an item that is not there");
        assert!(
            jobs == items || !delivered.is_empty(),
            "call {n}: {items} items, {jobs} jobs, none delivered"
        );
        if ended == Some(0) {
            assert_eq!((items, jobs, delivered.len()), (1, 0, 1));
            break;
        }

        a_minute_goes_by(&home).await;
        let mut service = home.start("1");
        // Who has no answer asks again.
        if !told {
            service.done(&an_item(&token));
        }
        if (items, jobs) != (1, 0) {
            assert!(service.hear("job ").is_some_and(|line| line.contains("job done")), "call {n}");
        }
        service.terminate();
        assert_eq!(service.ended(), Some(0), "call {n}");

        assert_eq!(items_and_jobs(&home).await, (1, 0), "call {n}");
        let again = std::mem::take(&mut *taken.lock().unwrap());
        let effects: BTreeSet<_> = delivered.iter().chain(&again).collect();
        assert_eq!(effects.len(), 1, "call {n}: {effects:?}");
    }
    // Before the request was committed, before the job was taken or done, after it was done, and after it was deleted.
    let all = [(0, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)];
    assert_eq!(places, BTreeSet::from(all), "it was not killed everywhere");
}

#[tokio::test]
async fn p26_killed_before_a_mail_has_its_name_there_is_one_mail_in_the_end() {
    if !can_be_killed_at_calls() {
        return;
    }
    let home = Home::on_sqlite();
    home.move_in(None).await;
    let outbox = || {
        let files = home.folder().join(".local/outbox").read_dir().unwrap();
        let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.by_ref().filter(|name| name.ends_with(".eml")).count()
    };

    let mut service = home.start_to_be_killed_at("rename,renameat,renameat2", 1, "1").unwrap();
    service.hear("job done");
    service.terminate();
    assert_eq!(service.ended(), None, "it was not killed");

    assert_eq!((outbox(), items_and_jobs(&home).await), (0, (0, 1)));
    a_minute_goes_by(&home).await;
    let mut service = home.start("1");
    service.hear("job done").unwrap();
    service.terminate();

    assert_eq!(service.ended(), Some(0));
    assert_eq!((outbox(), items_and_jobs(&home).await), (1, (0, 0)));
}

/// Where the service is when it is killed.
#[derive(Clone, Copy, Debug)]
enum Step {
    Enqueuing,
    Enqueued,
    Taken,
    Delivering,
    Delivered,
}

impl Step {
    /// Items, jobs, and attempts at the job.
    fn leaves(self) -> (i64, i64, i64) {
        match self {
            Self::Enqueuing => (0, 0, 0),
            Self::Enqueued => (1, 1, 0),
            Self::Taken | Self::Delivering | Self::Delivered => (1, 1, 1),
        }
    }

    /// Kills a service there. The identifiers of what was delivered.
    async fn kill(self, home: &Home, receiver: &Receiver, token: &str) -> BTreeSet<String> {
        match self {
            Self::Enqueuing => {
                let mut gate = Gate::close(home, "LOCK TABLE jobs IN SHARE MODE").await;
                let service = home.start("0");
                let mut client = TcpStream::connect(&service.address).unwrap();
                client.write_all(&an_item(token).bytes(&service.address)).unwrap();
                gate.somebody_waits().await;
                service.kill();
                gate.open().await;
            }
            Self::Enqueued => {
                let service = home.start("0");
                service.done(&an_item(token));
                service.kill();
            }
            Self::Taken => {
                let service = home.start("0");
                service.done(&an_item(token));
                service.kill();
                // What is delivered, and where to, is read when the job is taken.
                let mut gate = Gate::close(home, "LOCK TABLE webhooks IN ACCESS EXCLUSIVE MODE").await;
                let service = home.start("1");
                gate.somebody_waits().await;
                service.kill();
                gate.open().await;
            }
            Self::Delivering => {
                let service = home.start("1");
                service.done(&an_item(token));
                let delivery = receiver.next();
                service.kill();
                return BTreeSet::from([delivery.id]);
            }
            Self::Delivered => {
                let service = home.start("1");
                service.done(&an_item(token));
                let delivery = receiver.next();
                let mut gate = Gate::close(home, "SELECT 1 FROM jobs FOR UPDATE").await;
                let id = delivery.id.clone();
                delivery.take();
                gate.somebody_waits().await;
                service.kill();
                gate.open().await;
                return BTreeSet::from([id]);
            }
        }
        BTreeSet::new()
    }
}

/// A lock in PostgreSQL that the service has to wait for.
struct Gate {
    holder: PgConnection,
    observer: PgConnection,
}

impl Gate {
    async fn close(home: &Home, lock: &'static str) -> Self {
        let (mut holder, observer) = (home.postgres().await, home.postgres().await);
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {lock}"))).execute(&mut holder).await.unwrap();
        Self { holder, observer }
    }

    async fn somebody_waits(&mut self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut self.observer).await.unwrap() == 0 {}
    }

    /// First the server takes note of its client's death, which it else does when the statement that waits is done.
    async fn open(mut self) {
        let end = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'reference-api'";
        sqlx::query(end).execute(&mut self.observer).await.unwrap();
        self.holder.close().await.unwrap();
    }
}

#[tokio::test]
async fn p26_killed_between_two_steps_of_a_job_it_is_done_in_the_end_and_has_one_effect() {
    let everywhere = [Step::Enqueuing, Step::Enqueued, Step::Taken, Step::Delivering, Step::Delivered];
    // In SQLite nobody waits for a lock of ours. There the other steps are among the writes at which it is killed above.
    let without_locks = [Step::Enqueued, Step::Delivering];
    for (step, on_postgres) in
        everywhere.map(|step| (step, true)).into_iter().chain(without_locks.map(|step| (step, false)))
    {
        let home = if on_postgres { Home::on_postgres().await } else { Some(Home::on_sqlite()) };
        let Some(home) = home else { continue };
        let receiver = Receiver::new();
        let token = home.move_in(Some(&receiver.url())).await;
        home.execute("DELETE FROM jobs").await;

        let mut effects = step.kill(&home, &receiver, &token).await;

        let (items, jobs) = items_and_jobs(&home).await;
        let attempts = home.number("SELECT coalesce(max(attempts), 0) FROM jobs").await;
        assert_eq!((items, jobs, attempts), step.leaves(), "{step:?}, PostgreSQL: {on_postgres}");
        a_minute_goes_by(&home).await;
        let service = home.start("1");
        // Who has no answer asks again.
        service.done(&an_item(&token));
        let delivery = receiver.next();
        effects.insert(delivery.id.clone());
        delivery.take();
        service.terminate();
        assert_eq!(service.ended(), Some(0));
        assert_eq!(items_and_jobs(&home).await, (1, 0), "{step:?}, PostgreSQL: {on_postgres}");
        assert_eq!(effects.len(), 1, "{step:?}, PostgreSQL: {on_postgres}: {effects:?}");
    }
}
