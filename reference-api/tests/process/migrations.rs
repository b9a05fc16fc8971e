//! P27: a start that is killed while it migrates leaves nothing that the next one could not finish.

use reference_api::{AppState, Settings};
use sqlx::Connection;

use crate::{home::Home, service::can_be_killed_at_calls};

/// Every system call by which SQLite changes its files.
const WRITES: &str = "pwrite64,fsync,fdatasync,ftruncate,unlink";

const SQLITE_SCHEMA: &str = "SELECT coalesce(sql, name) FROM sqlite_schema
    UNION ALL SELECT 'migrated to ' || version FROM _sqlx_migrations WHERE success ORDER BY 1";
const POSTGRES_SCHEMA: &str = "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'migrated to ' || version FROM _sqlx_migrations WHERE success ORDER BY 1";

/// What is there after a start on nothing that nobody disturbs.
async fn whole(home: &Home, schema: &'static str) -> Vec<String> {
    let service = home.start("0");
    service.terminate();
    assert_eq!(service.ended(), Some(0));
    let whole: Vec<String> = home.column(schema).await;
    assert!(whole.iter().any(|line| line == "migrated to 3"), "{whole:?}");
    whole
}

#[tokio::test]
async fn p27_killed_at_any_write_of_its_first_start_the_next_one_finds_or_makes_the_whole_schema() {
    if !can_be_killed_at_calls() {
        return;
    }
    let whole = whole(&Home::on_sqlite(), SQLITE_SCHEMA).await;
    let mut before_it_listened = 0;
    for n in 1.. {
        let home = Home::on_sqlite();
        if let Some(service) = home.start_to_be_killed_at(WRITES, n, "0") {
            service.terminate();
            if service.ended() == Some(0) {
                break;
            }
        } else {
            before_it_listened = n;
        }

        let file = home.folder().join("api.sqlite");
        let database_url = format!("sqlite:{}", file.display()).into();
        let next = AppState::connect(Settings { database_url, ..Settings::default() }).await;
        next.unwrap_or_else(|error| panic!("call {n}: {error}")).close().await;

        assert_eq!(home.column::<String>(SQLITE_SCHEMA).await, whole, "call {n}");
        assert_eq!(home.column::<String>("PRAGMA integrity_check").await, ["ok"], "call {n}");
    }
    assert!(before_it_listened > 50, "it was killed at {before_it_listened} calls only");
}

// Stops each session at its n-th statement that changes the schema, for as long as somebody else holds the lock. The sequence
// is not rolled back with the statement, so a later start does not stop again.
const GATE: &str = "CREATE SCHEMA gate;
    CREATE SEQUENCE gate.statements;
    CREATE TABLE gate.place AS SELECT $N AS n;
    CREATE FUNCTION gate.wait() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('gate.statements') = (SELECT n FROM gate.place) THEN PERFORM pg_advisory_xact_lock(27); END IF;
    END $$;
    CREATE EVENT TRIGGER gate ON ddl_command_end EXECUTE FUNCTION gate.wait()";

#[tokio::test]
async fn p27_killed_after_any_statement_of_the_migrations_the_next_start_makes_the_whole_schema() {
    let Some(home) = Home::on_postgres().await else { return };
    home.execute(&GATE.replace("$N", "0")).await;
    let whole = whole(&home, POSTGRES_SCHEMA).await;
    let statements = home.number("SELECT last_value FROM gate.statements").await;
    assert!(statements > 8, "{statements} statements only");
    for n in 1..=statements {
        let Some(home) = Home::on_postgres().await else { return };
        home.execute(&GATE.replace("$N", &n.to_string())).await;
        let (mut gate, mut observer) = (home.postgres().await, home.postgres().await);
        sqlx::query("SELECT pg_advisory_lock(27)").execute(&mut gate).await.unwrap();
        let service = home.spawn("0");
        let waiting =
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 27 AND NOT granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut observer).await.unwrap() {}

        service.kill();
        gate.close().await.unwrap();

        assert_eq!(self::whole(&home, POSTGRES_SCHEMA).await, whole, "statement {n}");
    }
}
