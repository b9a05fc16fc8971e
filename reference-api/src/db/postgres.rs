//! PostgreSQL: the server, its pool, and the schema that this version needs.

use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, sleep};

use super::fault::{OpenError, is_passing};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a start waits for a server that is not there yet: in a compose file both start together.
const PATIENCE: Duration = Duration::from_secs(30);

/// An idle connection may have been cut by a restart or a firewall. One that was used a moment ago is taken as it is: asking it
/// each time would cost a way to the server and back per request.
const TRUSTED: Duration = Duration::from_secs(5);

/// Connects with at most that many connections and brings the schema up to date.
///
/// # Errors
/// See [`OpenError`].
pub(super) async fn open(url: &str, connections: u32) -> Result<PgPool, OpenError> {
    let options =
        PgConnectOptions::from_str(url).map_err(OpenError::Address)?.application_name("reference-api");
    let server = format!("{}/{}", options.get_host(), options.get_database().unwrap_or_default());
    let refused = |cause| OpenError::Server { server: server.clone(), cause };
    reach(&options).await.map_err(refused)?;
    // sqlx takes an advisory lock around them: replicas that start together take turns. On a connection of its own, because
    // the limits below would end the waiting for a long migration.
    let unlimited = PgPoolOptions::new().max_connections(1);
    let unlimited = unlimited.connect_with(options.clone()).await.map_err(refused)?;
    MIGRATIONS.run(&unlimited).await.map_err(OpenError::Migrate)?;
    unlimited.close().await;
    // ANCHOR: postgres_limits
    let limited = options.options([
        // The server gives up a statement when nobody waits for its answer any more.
        ("statement_timeout", "8s"),
        ("lock_timeout", "4s"),
        // A transaction whose client has died must not hold its locks.
        ("idle_in_transaction_session_timeout", "10s"),
    ]);
    // ANCHOR_END: postgres_limits
    PgPoolOptions::new()
        .max_connections(connections)
        // Waiting longer for a connection than for the answer helps nobody.
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move { Ok(known.idle_for < TRUSTED || connection.ping().await.is_ok()) })
        })
        .connect_with(limited)
        .await
        .map_err(refused)
}

/// Waits for a server that starts, and not for one that refuses us. The pool would wait as well, and then only say that it did.
async fn reach(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let end = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(100);
    loop {
        match PgConnection::connect_with(options).await {
            Err(error) if is_passing(&error) && Instant::now() + pause < end => {
                tracing::warn!(%error, "PostgreSQL does not answer yet");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            Ok(connection) => return connection.close().await,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::migrate::MigrateError;

    use super::*;
    use crate::testing::Database;

    async fn eight_starts_at_once(rounds: usize) {
        for round in 0..rounds {
            let Some(database) = Database::create().await else { return };

            let starts: Vec<_> = (0..8)
                .map(|_| {
                    let url = database.url();
                    tokio::spawn(async move { open(&url, 2).await })
                })
                .collect();

            for start in starts {
                let pool = start.await.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
                pool.close().await;
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn p27_eight_starts_at_once_on_an_empty_database_all_succeed() {
        eight_starts_at_once(5).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    #[ignore = "the same fifty times takes long, for a change of the migrations' lock"]
    async fn p27_fifty_times_eight_starts_at_once_all_succeed() {
        eight_starts_at_once(50).await;
    }

    #[tokio::test]
    async fn p27_a_database_of_a_newer_version_or_with_an_edited_migration_is_refused() {
        let Some(database) = Database::create().await else { return };
        let pool = open(&database.url(), 1).await.unwrap();
        for (change, undo) in [
            (
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'from the future', TRUE, 'x', 0)",
                "DELETE FROM _sqlx_migrations WHERE version = 9999",
            ),
            ("UPDATE _sqlx_migrations SET checksum = 'edited' WHERE version = 1", "SELECT 1"),
        ] {
            sqlx::query(change).execute(&pool).await.unwrap();

            let error = open(&database.url(), 1).await.unwrap_err();

            let known = matches!(
                error,
                OpenError::Migrate(MigrateError::VersionMissing(9999) | MigrateError::VersionMismatch(1))
            );
            assert!(known, "{error}");
            sqlx::query(undo).execute(&pool).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_server_that_refuses_us_is_named_without_the_password() {
        let Some(database) = Database::create().await else { return };
        let url = database
            .url()
            .replace("postgres:///", "postgres://kit:hunter2@localhost/")
            .replace("/test_", "/no_such_");

        let error = open(&url, 1).await.unwrap_err().to_string();

        assert!(error.contains("no_such_") && !error.contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn a_statement_that_takes_too_long_is_given_up_by_the_server() {
        let Some(database) = Database::create().await else { return };
        let pool = open(&database.url(), 1).await.unwrap();
        for (name, value) in [
            ("statement_timeout", "8s"),
            ("lock_timeout", "4s"),
            ("idle_in_transaction_session_timeout", "10s"),
        ] {
            let (found,): (String,) =
                sqlx::query_as("SELECT current_setting($1)").bind(name).fetch_one(&pool).await.unwrap();
            assert_eq!(found, value, "{name}");
        }
    }
}
