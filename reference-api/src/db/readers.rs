//! Reading from an SQLite file, for what is read at every request.
//!
//! sqlx hands each row over on its own, from the thread of its connection to the one that waits: a list of a hundred rows
//! is a hundred hand-overs, and a second thread takes part in the shortest read. So the statements of the hot paths go to a
//! few threads that run them with rusqlite, over the same SQLite library, and all rows come back at once.
//!
//! A hand-over costs more than such a read: a sleeping thread is woken, twice. So requests that read at the same moment share
//! one. The first of them lets all others go first who are ready to run, and then takes their reads along with its own.
//!
//! Everything else, all writing among it, is sqlx's, and so is PostgreSQL, whose driver has no thread between.

use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, params_from_iter, types::Value as Stored};
use tokio::sync::oneshot;

use super::read::{Length, ReadRow};

/// Threads that only read, each with a connection of its own to the same file.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Threads>);

struct Threads {
    orders: flume::Sender<Order>,
    count: usize,
    /// Reads that wait to be taken along.
    gathered: Mutex<Vec<Box<dyn Job>>>,
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("count", &self.count).finish_non_exhaustive()
    }
}

enum Order {
    /// Runs them all, and gives them back together: whoever waits for one of them is woken by a thread that is awake.
    Run(Vec<Box<dyn Job>>, oneshot::Sender<Vec<Box<dyn Job>>>),
    /// Ends one thread, whichever takes it, and closes its connection first.
    End(oneshot::Sender<()>),
}

/// Reads in one hand-over at most. The first of them waits for the last, so it is the least from which on more bring nothing that
/// can be told from noise: of 1, 2, 4, 8 and 16, the step from 1 to 2 brought nearly all.
const TOGETHER: usize = 8;

/// One statement with its values, then with its rows.
trait Job: Send {
    fn run(&mut self, connection: &Connection);
    /// Gives the rows to whoever asked.
    fn tell(self: Box<Self>);
}

struct Reading<T> {
    sql: &'static str,
    values: Vec<Stored>,
    outcome: Result<Vec<T>, sqlx::Error>,
    tell: oneshot::Sender<Result<Vec<T>, sqlx::Error>>,
}

impl<T: ReadRow> Job for Reading<T> {
    fn run(&mut self, connection: &Connection) {
        // Whoever has hung up, or was cut off at the deadline, needs no rows.
        if !self.tell.is_closed() {
            self.outcome = read(connection, self.sql, &self.values).map_err(foreign);
        }
    }

    fn tell(self: Box<Self>) {
        let _ = self.tell.send(self.outcome);
    }
}

impl Readers {
    /// Starts them. The file and its schema are there already.
    pub(super) fn start(file: PathBuf) -> Result<Self, sqlx::Error> {
        // What is read here lies in memory, as a rule, and is work for a core: more threads than cores would only take
        // turns. One more than that, so that a list that takes long does not stop the others on a machine with one core.
        let count = available_parallelism().map_or(1, usize::from) + 1;
        let (orders, queue) = flume::unbounded();
        for number in 0..count {
            let connection = connect(&file).map_err(foreign)?;
            let queue = queue.clone();
            std::thread::Builder::new()
                .name(format!("sqlite-reader-{number}"))
                .spawn(move || obey(connection, &queue))?;
        }
        Ok(Self(Arc::new(Threads { orders, count, gathered: Mutex::default() })))
    }

    // ANCHOR: reading_thread
    /// Runs a statement on one of the threads. The queue has no limit of its own: the requests that wait in it have one.
    pub(super) async fn run<T: ReadRow>(
        &self,
        sql: &'static str,
        values: Vec<Stored>,
        length: Length,
    ) -> Result<Vec<T>, sqlx::Error> {
        let (tell, told) = oneshot::channel();
        let job = Box::new(Reading { sql, values, outcome: Err(sqlx::Error::WorkerCrashed), tell });
        match length {
            // Whoever came along would wait for the end of it.
            Length::Long => drop(tokio::spawn(Arc::clone(&self.0).hand_over(vec![job]))),
            Length::Short => {
                let mut gathered = self.0.gathered();
                gathered.push(job);
                // A task of its own: the client of the first request may hang up, and the others wait for their rows.
                if gathered.len() == 1 {
                    tokio::spawn(Arc::clone(&self.0).hand_over_gathered());
                }
            }
        }
        told.await.map_err(|_| sqlx::Error::PoolClosed)?
    }
    // ANCHOR_END: reading_thread

    /// Lets them finish what waits, and closes their connections.
    pub(super) async fn close(&self) {
        for _ in 0..self.0.count {
            let (tell, told) = oneshot::channel();
            if self.0.orders.send(Order::End(tell)).is_ok() {
                let _ = told.await;
            }
        }
    }
}

impl Threads {
    fn gathered(&self) -> MutexGuard<'_, Vec<Box<dyn Job>>> {
        // Nothing that panics runs under this lock, and a list of reads is never half pushed.
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: gathered_reads
    /// Hands over what has gathered by the time that everybody who was ready to run has had a turn.
    async fn hand_over_gathered(self: Arc<Self>) {
        tokio::task::yield_now().await;
        let mut jobs = mem::take(&mut *self.gathered());
        let each = jobs.len().div_ceil(self.count).min(TOGETHER);
        while !jobs.is_empty() {
            let rest = jobs.split_off(jobs.len().min(each));
            tokio::spawn(Arc::clone(&self).hand_over(jobs));
            jobs = rest;
        }
    }
    // ANCHOR_END: gathered_reads

    async fn hand_over(self: Arc<Self>, jobs: Vec<Box<dyn Job>>) {
        let (done, all) = oneshot::channel();
        // Where no thread is left, the reads are dropped, and whoever waits for them hears of that.
        if self.orders.send(Order::Run(jobs, done)).is_ok()
            && let Ok(jobs) = all.await
        {
            jobs.into_iter().for_each(Job::tell);
        }
    }
}

// ANCHOR: stable_plans
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    // SQLite looks at the pattern of a `LIKE $1` when it plans the statement. So it compiles the statement anew for each pattern
    // that is bound. With this it plans once, for all patterns.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}
// ANCHOR_END: stable_plans

fn obey(connection: Connection, queue: &flume::Receiver<Order>) {
    while let Ok(order) = queue.recv() {
        match order {
            Order::Run(mut jobs, done) => {
                for job in &mut jobs {
                    // A panic costs the request that caused it, which hears that, and not the thread. A connection that only
                    // reads is left with nothing half done.
                    let _ = catch_unwind(AssertUnwindSafe(|| job.run(&connection)));
                }
                let _ = done.send(jobs);
            }
            Order::End(tell) => {
                drop(connection);
                let _ = tell.send(());
                return;
            }
        }
    }
}

fn read<T: ReadRow>(connection: &Connection, sql: &str, values: &[Stored]) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params_from_iter(values), T::read)?.collect()
}

/// sqlx's errors have a place for those of other drivers.
pub(super) fn foreign(error: rusqlite::Error) -> sqlx::Error {
    sqlx::Error::AnyDriverError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;
    use sqlx::Executor as _;
    use time::{Date, OffsetDateTime, macros::datetime};
    use uuid::Uuid;

    use super::*;
    use crate::{
        db::{Db, Executor as _, Pool, moment, open},
        testing::{ADA, TestApp},
    };

    #[derive(Debug, PartialEq, sqlx::FromRow)]
    struct Everything {
        id: Uuid,
        moment: OffsetDateTime,
        day: Option<Date>,
        text: Option<String>,
        number: i64,
    }

    impl ReadRow for Everything {
        fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
            assert_ne!(row.get::<_, i64>(4)?, 13, "a number that a reader panics at");
            Ok(Self {
                id: row.get(0)?,
                moment: moment(row, 1)?,
                day: row.get(2)?,
                text: row.get(3)?,
                number: row.get(4)?,
            })
        }
    }

    const SELECT: &str =
        "SELECT * FROM everything WHERE number >= $1 AND ($2 IS NULL OR text = $2) ORDER BY number LIMIT 9";

    async fn database() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db =
            open(&format!("sqlite:{}", folder.path().join("a.sqlite").display()).into(), 2).await.unwrap();
        let Pool::Sqlite(pool, Some(_)) = &db.pool else { panic!("a file has readers") };
        let table = "CREATE TABLE everything (id BLOB, moment TEXT, day TEXT, text TEXT, number INTEGER)";
        pool.execute(table).await.unwrap();
        (folder, db)
    }

    async fn add(db: &Db, row: &Everything) {
        let insert = db.query("INSERT INTO everything VALUES ($1, $2, $3, $4, $5)");
        let insert =
            insert.bind(row.id).bind(row.moment).bind(row.day).bind(row.text.clone()).bind(row.number);
        assert_eq!(insert.execute().await.unwrap(), 1);
    }

    fn row(number: i64, moment: OffsetDateTime) -> Everything {
        let text = (number % 2 == 0).then(|| "Übergröße \u{1f302}\0'".to_owned());
        Everything {
            id: Uuid::from_u128(u128::MAX - u128::from(number.unsigned_abs())),
            moment,
            day: text.as_ref().map(|_| moment.date()),
            text,
            number,
        }
    }

    #[tokio::test]
    async fn a_reader_gives_what_sqlx_has_written_and_what_sqlx_reads() {
        let (_folder, db) = database().await;
        let moments = [
            datetime!(2026-02-28 23:59:59.999999999 UTC),
            datetime!(2026-01-01 00:00 UTC),
            datetime!(0000-01-01 00:00:00.5 UTC),
            datetime!(9999-12-31 23:59:59.000001 UTC),
            datetime!(2026-06-01 12:00:00.120 UTC),
        ];
        let rows: Vec<_> = (0..).zip(moments).map(|(number, moment)| row(number, moment)).collect();
        for row in &rows {
            add(&db, row).await;
        }

        for text in [None, rows[0].text.clone()] {
            let read: Vec<Everything> =
                db.read(SELECT).bind(1_i64).bind(text.clone()).fetch_all().await.unwrap();
            let by_sqlx: Vec<Everything> =
                db.query(SELECT).bind(1_i64).bind(text.clone()).fetch_all().await.unwrap();

            let expected: Vec<_> =
                rows.iter().filter(|row| row.number >= 1 && (text.is_none() || row.text == text)).collect();
            assert_eq!(read.iter().collect::<Vec<_>>(), expected, "{text:?}");
            assert_eq!(read, by_sqlx, "{text:?}");
        }
    }

    /// Columns are taken by position. The tests of the endpoints run on a database in memory, which has no readers.
    #[tokio::test]
    async fn what_the_endpoints_read_from_a_file_is_what_they_have_written() {
        for app in TestApp::start_on_each_engine().await {
            let token = app.session(&ADA).await.access;
            let item = serde_json::json!({
                "title": "Umbrella", "description": "Black", "availability": { "from": "2026-06-01", "until": "2026-08-31" },
            });
            let created = app.post_as(&token, "/api/v1/items", &item).await.json();
            let address =
                serde_json::json!({ "street": "12 St James's Square", "city": "London", "country": "GB" });
            let change = serde_json::json!({ "name": "Ada King", "address": address });
            let changed = app.patch_as(&token, "/api/v1/users/me", "\"1\"", &change).await.json();

            let item =
                app.get_as(&token, &format!("/api/v1/items/{}", created["id"].as_str().unwrap())).await;
            let list = app.get_as(&token, "/api/v1/items").await;
            let me = app.get_as(&token, "/api/v1/users/me").await;

            assert_eq!(item.json(), created, "{app:?}");
            assert_eq!(list.json()["data"], serde_json::json!([created]), "{app:?}");
            assert_eq!(me.json(), changed, "{app:?}");
            assert_eq!((&changed["name"], &changed["address"]), (&change["name"], &address), "{app:?}");
        }
    }

    #[tokio::test]
    async fn a_statement_with_a_pattern_is_compiled_once() {
        let (folder, _db) = database().await;
        let connection = connect(&folder.path().join("a.sqlite")).unwrap();
        let mut statement = connection.prepare("SELECT * FROM everything WHERE text LIKE $1").unwrap();

        for pattern in ["%", "a%", "%b"] {
            assert!(statement.query([pattern]).unwrap().next().unwrap().is_none(), "{pattern}");
        }

        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    /// On one thread, so that all of them have asked before anything is handed over.
    #[tokio::test]
    async fn reads_of_the_same_moment_go_over_together() {
        let (_folder, db) = database().await;
        for number in 0..8 {
            add(&db, &row(number, datetime!(2026-01-01 12:00 UTC))).await;
        }
        let Pool::Sqlite(_, Some(readers)) = &db.pool else { panic!("a file has readers") };
        // Nobody else: the threads are given up, and their place at the queue is ours.
        let (orders, queue) = flume::unbounded();
        let watched = Threads { orders, count: 2, gathered: Mutex::default() };
        readers.close().await;
        let readers = Readers(Arc::new(watched));

        let asked: Vec<_> = (0..8)
            .map(|number| {
                let readers = readers.clone();
                tokio::spawn(async move {
                    let values = vec![Stored::Integer(number), Stored::Null];
                    readers.run::<Everything>(SELECT, values, Length::Short).await
                })
            })
            .collect();
        let sizes = [queue.recv_async().await, queue.recv_async().await].map(|order| match order {
            Ok(Order::Run(jobs, _)) => jobs.len(),
            _ => 0,
        });

        assert_eq!(sizes, [4, 4]);
        // Both orders are dropped unanswered here, and everybody hears of it.
        for asked in asked {
            assert!(matches!(asked.await.unwrap(), Err(sqlx::Error::PoolClosed)));
        }
    }

    #[tokio::test]
    async fn a_search_takes_nobody_along() {
        let (orders, queue) = flume::unbounded();
        let readers = Readers(Arc::new(Threads { orders, count: 2, gathered: Mutex::default() }));

        let _asked: Vec<_> = [Length::Short, Length::Long, Length::Short]
            .map(|length| {
                let readers = readers.clone();
                let values = vec![Stored::Integer(0), Stored::Null];
                tokio::spawn(async move { readers.run::<Everything>(SELECT, values, length).await })
            })
            .into();
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 3 {
            let Ok(Order::Run(jobs, _)) = queue.recv_async().await else { panic!("no order") };
            sizes.push(jobs.len());
        }

        assert_eq!(sizes, [1, 1, 1]);
    }

    #[tokio::test]
    async fn p25_a_panic_in_a_reader_costs_one_request() {
        let (_folder, db) = database().await;
        add(&db, &row(13, datetime!(2026-01-01 12:00 UTC))).await;
        // More often than there are threads.
        for _ in 0..50 {
            let read = db.read(SELECT).bind(13_i64).bind(None::<String>).fetch_all::<Everything>().await;
            assert!(matches!(read, Err(sqlx::Error::WorkerCrashed)), "{read:?}");
        }

        let read = db.read(SELECT).bind(14_i64).bind(None::<String>).fetch_all::<Everything>().await;

        assert_eq!(read.unwrap(), []);
    }

    #[tokio::test]
    async fn after_a_close_the_file_alone_holds_everything() {
        let (folder, db) = database().await;
        add(&db, &row(1, datetime!(2026-01-01 12:00 UTC))).await;
        let read = db.read(SELECT).bind(0_i64).bind(None::<String>).fetch_all::<Everything>().await;
        assert_eq!(read.unwrap().len(), 1);

        db.close().await;

        // The last connection that is closed takes the log along.
        let left: Vec<_> =
            folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("-wal")), "{left:?}");
        let read = db.read(SELECT).bind(0_i64).bind(None::<String>).fetch_all::<Everything>().await;
        assert!(matches!(read, Err(sqlx::Error::PoolClosed)), "{read:?}");
    }
}
