//! Lesson 04: what does the way from the database into the handler cost, row by row?
//!
//! The lesson's page of books, from a file in the system's cache, over one connection. SQLite has no server: somebody's thread
//! has to do its work. rusqlite does it on the thread that asks. sqlx keeps a thread for the connection and hands over each row
//! on its own; what it may read ahead of the one who waits is its row buffer. `one-hand-over` sends the whole page across at
//! once.

use std::{
    hint::black_box,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use criterion::Criterion;
use lab::Probes;
use n_plus_one::{ASK_FOR_A_MILLION, Library, right::PAGE_OF_BOOKS};
use record::{Kind, Role};
use rusqlite::{Connection, OpenFlags};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::runtime::Builder;

use super::{Compares, DO_NOTHING, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "04-the-driver",
    question: "How long do 100 rows take from an SQLite file, through sqlx and without a thread between?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        (DO_NOTHING, Role::Baseline),
        ("rusqlite", Role::Limit),
        ("one-hand-over", Role::Ours),
        ("sqlx-buffer-50", Role::Ours),
        ("sqlx-buffer-128", Role::Ours),
    ]),
    measure,
};

/// How many rows are read.
const ROWS: i64 = 100;

/// Taken by position in both drivers: looking for a name would cost one of them more.
type Book = (i64, String, i64);

#[expect(clippy::expect_used, reason = "without a runtime, a folder and SQLite there is nothing to measure")]
fn measure(criterion: &mut Criterion, group: &Group) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("library.db");
    runtime.block_on(write_library(&file)).expect("the lesson's tables can be written to a file");

    let mut benchmarks = criterion.benchmark_group(group.name);
    // The same runtime for all: sqlx needs one, and entering it is the baseline.
    benchmarks.bench_function(DO_NOTHING, |b| b.to_async(&runtime).iter(|| async { black_box(ROWS) }));
    let bare = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let bare = Arc::new(Mutex::new(bare.expect("the file can be read")));
    benchmarks.bench_function("rusqlite", |b| {
        b.to_async(&runtime).iter(|| async { whole(through_rusqlite(&bare)) });
    });
    benchmarks.bench_function("one-hand-over", |b| {
        b.to_async(&runtime).iter(|| {
            let bare = Arc::clone(&bare);
            let there = tokio::task::spawn_blocking(move || through_rusqlite(&bare));
            async { whole(there.await.expect("the other thread has not panicked")) }
        });
    });
    // 50 is what sqlx takes by itself. In 128 the whole page fits.
    for (name, rows) in [("sqlx-buffer-50", 50), ("sqlx-buffer-128", 128)] {
        let options = SqliteConnectOptions::new().filename(&file).read_only(true).row_buffer_size(rows);
        let connection = runtime.block_on(options.connect()).expect("the file can be read");
        let connection = tokio::sync::Mutex::new(connection);
        benchmarks.bench_function(name, |b| {
            b.to_async(&runtime).iter(|| async { whole(through_sqlx(&mut *connection.lock().await).await) });
        });
    }
    benchmarks.finish();
}

/// A part of a page would look fast.
fn whole<E>(page: Result<Vec<Book>, E>) -> Vec<Book> {
    match page {
        Ok(page) if page.len() == 100 => page,
        _ => panic!("the page was not read"),
    }
}

/// The lesson's tables, as they stand in its memory.
async fn write_library(file: &Path) -> Result<(), sqlx::Error> {
    let controls = ASK_FOR_A_MILLION.controls([]).unwrap_or_default();
    let library = Library::new(&Probes::new(controls)).await;
    // A plain name would be opened as the library was, in memory. The mode says otherwise, and takes a URI to say it in.
    let path = file.to_string_lossy().replace('\\', "/");
    let uri = format!("file:///{}?mode=rwc", path.trim_start_matches('/'));
    sqlx::query("VACUUM INTO ?").bind(uri).execute(&library).await.map(|_| ())
}

fn through_rusqlite(connection: &Mutex<Connection>) -> rusqlite::Result<Vec<Book>> {
    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    let mut statement = connection.prepare_cached(PAGE_OF_BOOKS)?;
    let page = statement.query_map((i64::MAX, i64::MAX, ROWS), |row| Book::try_from(row))?;
    page.collect()
}

async fn through_sqlx(connection: &mut SqliteConnection) -> Result<Vec<Book>, sqlx::Error> {
    sqlx::query_as(PAGE_OF_BOOKS).bind(i64::MAX).bind(i64::MAX).bind(ROWS).fetch_all(connection).await
}
