//! SQLite: the file, its pool, and the schema that this version needs.

use std::{
    fs::{File, create_dir_all},
    io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use sqlx::{
    SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::fault::OpenError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Versions 3.7.0 to 3.51.2 can corrupt a database in WAL mode when two connections check-point and write at once.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Opens the database with at most that many connections and brings its schema up to date.
///
/// # Errors
/// See [`OpenError`].
pub(super) async fn open(url: &str, connections: u32) -> Result<SqlitePool, OpenError> {
    let options = options(url).map_err(OpenError::Address)?;
    let in_memory = file(url).is_none();
    let pool = SqlitePoolOptions::new()
        // A database in memory lives in its one connection and must not lose it.
        .max_connections(if in_memory { 1 } else { connections })
        .min_connections(u32::from(in_memory))
        .idle_timeout(None)
        .max_lifetime(None)
        // A connection to a file does not break while it is idle; asking it each time would cost a statement a request.
        .test_before_acquire(false)
        // Waiting longer for a connection than for the answer helps nobody.
        .acquire_timeout(Duration::from_secs(5));
    if in_memory {
        return prepare(pool.connect_with(options).await.map_err(OpenError::Connect)?).await;
    }
    let lock = lock_beside(options.get_filename()).await?;
    let pool = prepare(pool.connect_with(options).await.map_err(OpenError::Connect)?).await?;
    drop(lock);
    Ok(pool)
}

fn options(url: &str) -> Result<SqliteConnectOptions, sqlx::Error> {
    Ok(SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        // Readers do not wait for the writer.
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL may lose the last commits when the power goes; what was answered with 2xx must not be lost.
        .synchronous(SqliteSynchronous::Full)
        // A page of a list crosses from the connection's thread in one go, and not fifty rows at a time.
        .row_buffer_size(128)
        .busy_timeout(Duration::from_secs(5)))
}

/// Two processes that start on an empty file would both create the tables, and one would die: for SQLite, sqlx takes no
/// lock around its migrations. The lock goes with the file handle, also when the process is killed.
async fn lock_beside(database: &Path) -> Result<File, OpenError> {
    let folder = database.parent().unwrap_or(Path::new("")).to_owned();
    let path = database.with_extension("lock");
    let locked = {
        let (folder, path) = (folder.clone(), path.clone());
        // Waits in the kernel for as long as another process migrates.
        tokio::task::spawn_blocking(move || {
            create_dir_all(folder)?;
            let lock = File::options().create(true).truncate(false).write(true).open(path)?;
            lock.lock()?;
            Ok(lock)
        })
    };
    locked
        .await
        .unwrap_or_else(|panic| Err(io::Error::other(panic)))
        .map_err(|error| OpenError::Folder(path, error))
}

async fn prepare(pool: SqlitePool) -> Result<SqlitePool, OpenError> {
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&pool).await.map_err(OpenError::Connect)?;
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(version));
    }
    // ANCHOR: migrations
    // Compiled into the program. Each runs once, in a transaction with the note that it ran; one that was edited since, or
    // that this version does not know, ends the start. They go forward only: an older version does not start on a newer schema.
    MIGRATIONS.run(&pool).await.map_err(OpenError::Migrate)?;
    // ANCHOR_END: migrations
    Ok(pool)
}

/// The file that the address names; `None` for a database in memory.
pub(crate) fn file(url: &str) -> Option<PathBuf> {
    if url.contains(":memory:") {
        return None;
    }
    SqliteConnectOptions::from_str(url).ok().map(|options| options.get_filename().to_owned())
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn p27_eight_starts_at_once_on_an_empty_file_all_succeed() {
        for round in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", folder.path().join("new folder/api.sqlite").display());

            let starts: Vec<_> = (0..8)
                .map(|_| {
                    let url = url.clone();
                    tokio::spawn(async move { open(&url, 2).await })
                })
                .collect();

            for start in starts {
                let pool = start.await.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
                pool.close().await;
            }
        }
    }

    #[tokio::test]
    async fn p27_a_start_waits_while_another_process_migrates() {
        let folder = tempfile::tempdir().unwrap();
        let other = File::create(folder.path().join("api.lock")).unwrap();
        other.lock().unwrap();
        let url = format!("sqlite:{}", folder.path().join("api.sqlite").display());

        let mut start = tokio::spawn(async move { open(&url, 1).await });
        // A start that did not wait would be over long before this; one that waits never is.
        let early = tokio::time::timeout(Duration::from_millis(500), &mut start).await;

        assert!(early.is_err(), "opened while the lock was held");
        assert!(!folder.path().join("api.sqlite").exists());
        other.unlock().unwrap();
        start.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn every_connection_checks_references_and_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let pool = open(&format!("sqlite:{}", folder.path().join("api.sqlite").display()), 2).await.unwrap();
        let (mut first, mut second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        for connection in [&mut first, &mut second] {
            for (pragma, value) in [
                ("PRAGMA foreign_keys", "1"),
                ("PRAGMA journal_mode", "wal"),
                // 2 is FULL: a commit returns when the disk has it.
                ("PRAGMA synchronous", "2"),
                ("PRAGMA busy_timeout", "5000"),
            ] {
                let row = sqlx::query(pragma).fetch_one(&mut **connection).await.unwrap();
                let found =
                    row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()));
                assert_eq!(found.unwrap(), value, "{pragma}");
            }
        }
    }

    #[tokio::test]
    async fn p27_a_database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("api.sqlite").display());
        let pool = open(&url, 1).await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', TRUE, x'00', 0)",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;

        let error = open(&url, 1).await.unwrap_err();

        assert!(matches!(error, OpenError::Migrate(_)), "{error}");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let url = format!("sqlite:{}/api.sqlite", file.path().display());

        let error = open(&url, 1).await.unwrap_err().to_string();

        assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.sqlite");
        std::fs::write(&path, "Dear Ada, this is not a database, it is a letter.").unwrap();

        let error = open(&format!("sqlite:{}", path.display()), 1).await.unwrap_err();

        assert!(matches!(error, OpenError::Connect(_)), "{error}");
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("Dear Ada"));
    }
}
