//! Reading from an SQLite file, for what is read at every request.
//!
//! sqlx hands each row over on its own, from the thread of its connection to the one that waits: a list of a hundred rows
//! is a hundred hand-overs, and a second thread takes part in the shortest read. So the statements of the hot paths go to a
//! few threads that run them with rusqlite, over the same SQLite library, and all rows come back at once.
//!
//! A hand-over costs more than such a read: a sleeping thread is woken, twice. So requests that read at the same moment share
//! one. The first of them goes to the end of the line of all who are ready to run, and then takes their reads along with its own.
//!
//! Everything else, all writing among it, is sqlx's, and so is PostgreSQL, whose driver has no thread between.

use std::{
    fmt,
    future::poll_fn,
    mem,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    thread::available_parallelism,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, params_from_iter, types::Value as Stored};
use tokio::sync::oneshot;

use super::read::{Length, ReadRow};

/// Threads that only read, each with a connection of its own to the same file.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Threads>);

struct Threads {
    /// `None` from the close on. An order behind the last `End` would wait for ever, so both are sent under this lock.
    orders: Mutex<Option<flume::Sender<Order>>>,
    /// There is one thread more than that.
    cores: usize,
    /// Reads that wait to be taken along.
    gathered: Mutex<Vec<Box<dyn Job>>>,
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("cores", &self.cores).finish_non_exhaustive()
    }
}

enum Order {
    /// Runs them all, and gives them back together: whoever waits for one of them is woken by a thread that is awake.
    Run(Vec<Box<dyn Job>>, oneshot::Sender<Vec<Box<dyn Job>>>),
    /// Ends one thread, whichever takes it, and closes its connection first.
    End(oneshot::Sender<()>),
}

/// Reads in one hand-over, if there are as many. All cores get their part of many reads; and two at least go together, since
/// of 1, 2, 4, 8 and 16 the step from 1 to 2 brought nearly all. No more than eight: the first waits for the last of them.
const TOGETHER: RangeInclusive<usize> = 2..=8;

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
        let cores = available_parallelism().map_or(1, usize::from);
        let (orders, queue) = flume::unbounded();
        for number in 0..=cores {
            let connection = connect(&file).map_err(foreign)?;
            let queue = queue.clone();
            std::thread::Builder::new()
                .name(format!("sqlite-reader-{number}"))
                .spawn(move || obey(connection, &queue))?;
        }
        Ok(Self(Arc::new(Threads { orders: Mutex::new(Some(orders)), cores, gathered: Mutex::default() })))
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
                let mut gathered = locked(&self.0.gathered);
                gathered.push(job);
                let first = gathered.len() == 1;
                drop(gathered);
                // A task of its own: the client of the first request may hang up, and the others wait for their rows.
                if first {
                    drop(tokio::spawn(Gatherer(Some(Arc::clone(&self.0))).hand_over()));
                }
            }
        }
        told.await.map_err(|_| sqlx::Error::PoolClosed)?
    }
    // ANCHOR_END: reading_thread

    /// Lets them finish what was handed over, and closes their connections.
    pub(super) async fn close(&self) {
        let ends: Vec<_> = {
            let mut orders = locked(&self.0.orders);
            let orders = orders.take();
            let end = |orders: &flume::Sender<Order>| {
                let (tell, told) = oneshot::channel();
                orders.send(Order::End(tell)).ok().map(|()| told)
            };
            orders.iter().flat_map(|orders| (0..=self.0.cores).filter_map(|_| end(orders))).collect()
        };
        for told in ends {
            let _ = told.await;
        }
    }
}

/// What these locks hold is pushed, taken or read in one step, so it is whole also after a panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes along what has gathered. Where its runtime ends before it has, what has gathered is refused: nobody else would come.
struct Gatherer(Option<Arc<Threads>>);

impl Gatherer {
    // ANCHOR: gathered_reads
    /// Hands over what has gathered by the time that everybody in the line before it has had a turn.
    async fn hand_over(mut self) {
        to_the_end_of_the_line().await;
        let Some(threads) = self.0.take() else { return };
        let mut jobs = mem::take(&mut *locked(&threads.gathered));
        let each = jobs.len().div_ceil(threads.cores).clamp(*TOGETHER.start(), *TOGETHER.end());
        while !jobs.is_empty() {
            let rest = jobs.split_off(jobs.len().min(each));
            tokio::spawn(Arc::clone(&threads).hand_over(jobs));
            jobs = rest;
        }
    }
    // ANCHOR_END: gathered_reads
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        if let Some(threads) = &self.0 {
            // Dropped after the lock is free: whoever waits for one of them is woken.
            let refused = mem::take(&mut *locked(&threads.gathered));
            drop(refused);
        }
    }
}

/// Lets those go first who are ready to run. Not tokio's `yield_now`: that one waits until its own worker has nothing to do, and
/// with it would wait whoever reads on the other workers.
async fn to_the_end_of_the_line() {
    let mut there = false;
    poll_fn(|context| {
        if mem::replace(&mut there, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Threads {
    async fn hand_over(self: Arc<Self>, jobs: Vec<Box<dyn Job>>) {
        let (done, all) = oneshot::channel();
        // Where no thread is left, the reads are dropped, and whoever waits for them hears of that.
        let sent =
            locked(&self.orders).as_ref().is_some_and(|orders| orders.send(Order::Run(jobs, done)).is_ok());
        if sent && let Ok(jobs) = all.await {
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
    use tokio::task::JoinHandle;
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

    /// Readers whose orders are given to the test instead of threads.
    fn watched() -> (Readers, flume::Receiver<Order>) {
        let (orders, queue) = flume::unbounded();
        let threads = Threads { orders: Mutex::new(Some(orders)), cores: 2, gathered: Mutex::default() };
        (Readers(Arc::new(threads)), queue)
    }

    /// A read that is on its way: one from the number on.
    fn ask(
        readers: &Readers,
        number: i64,
        length: Length,
    ) -> JoinHandle<Result<Vec<Everything>, sqlx::Error>> {
        let readers = readers.clone();
        let values = vec![Stored::Integer(number), Stored::Null];
        tokio::spawn(async move { readers.run(SELECT, values, length).await })
    }

    async fn next(queue: &flume::Receiver<Order>) -> (Vec<Box<dyn Job>>, oneshot::Sender<Vec<Box<dyn Job>>>) {
        match queue.recv_async().await {
            Ok(Order::Run(jobs, done)) => (jobs, done),
            Ok(Order::End(_)) => panic!("an end, and nobody has closed"),
            Err(closed) => panic!("{closed}"),
        }
    }

    /// On one thread, so that all of them have asked before anything is handed over.
    #[tokio::test]
    async fn reads_of_the_same_moment_go_over_together() {
        for (reads, expected) in [(1, &[1][..]), (2, &[2]), (3, &[2, 1]), (8, &[4, 4]), (20, &[8, 8, 4])] {
            let (readers, queue) = watched();

            let asked: Vec<_> = (0..reads).map(|number| ask(&readers, number, Length::Short)).collect();
            let mut sizes = Vec::new();
            for _ in expected {
                sizes.push(next(&queue).await.0.len());
            }

            assert_eq!(sizes, expected, "{reads} reads");
            // Their orders are dropped unanswered here, and everybody hears of it.
            for asked in asked {
                assert!(matches!(asked.await.unwrap(), Err(sqlx::Error::PoolClosed)));
            }
        }
    }

    #[tokio::test]
    async fn a_search_takes_nobody_along() {
        let (readers, queue) = watched();

        let lengths = [Length::Short, Length::Long, Length::Short, Length::Short, Length::Short];
        let _asked = lengths.map(|length| ask(&readers, 0, length));
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < lengths.len() {
            sizes.push(next(&queue).await.0.len());
        }
        sizes.sort_unstable();

        // Five together would be three and two.
        assert_eq!(sizes, [1, 2, 2]);
    }

    #[tokio::test]
    async fn the_first_may_hang_up_and_the_others_have_their_rows() {
        let (folder, db) = database().await;
        add(&db, &row(1, datetime!(2026-01-01 12:00 UTC))).await;
        let connection = connect(&folder.path().join("a.sqlite")).unwrap();
        let (readers, queue) = watched();

        let [first, second] = [0, 1].map(|number| ask(&readers, number, Length::Short));
        let (mut jobs, done) = next(&queue).await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        jobs.iter_mut().for_each(|job| job.run(&connection));
        assert!(done.send(jobs).is_ok());

        assert_eq!(second.await.unwrap().unwrap().len(), 1);
    }

    /// A runtime that ends takes along the task that would have handed over what had gathered.
    #[tokio::test]
    async fn reads_that_nobody_will_hand_over_are_refused_and_the_next_are_not() {
        let (readers, queue) = watched();
        let (tell, told) = oneshot::channel::<Result<Vec<Everything>, _>>();
        let outcome = Err(sqlx::Error::WorkerCrashed);
        locked(&readers.0.gathered).push(Box::new(Reading {
            sql: SELECT,
            values: Vec::new(),
            outcome,
            tell,
        }));

        drop(Gatherer(Some(Arc::clone(&readers.0))));

        assert!(told.await.is_err());
        let _asked = ask(&readers, 0, Length::Short);
        assert_eq!(next(&queue).await.0.len(), 1);
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
