//! Proves lesson 09: each wrong way serves one request alone, and starves, is refused or loses money beside others.
//!
//! The runs are gated: all requests are at the partner bank before the first goes on. Databases run on the real clock, since
//! under a paused one sqlx gives up waiting at once; nothing here measures time.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::time::Duration;

use lab::{Controls, Experiment, Observed, Probes, Report, Run};
use pool_starvation::{
    A_FAILED_TRANSFER, Bank, BankError, LESSON, PARTNER, TEN_STATEMENTS, TEN_TRANSFERS,
    bank::{balance, book, entries},
};
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

fn statements(variant: &str, requests: u64, pool: u64) -> Report {
    run(&TEN_STATEMENTS, variant, &[("requests", requests), ("pool", pool), ("hold_ms", 1)])
}

fn transfers(variant: &str, requests: u64) -> Report {
    run(&TEN_TRANSFERS, variant, &[("requests", requests), ("hold_ms", 1)])
}

fn with_status(report: &Report, status: u16) -> u64 {
    let Observed::Timeline { lanes, .. } = &report.observed else { panic!("not a timeline") };
    lanes.iter().map(|lane| u64::from(lane.status == Some(status))).sum()
}

/// A bank whose pool holds one connection.
async fn bank() -> Bank {
    Bank::new(&Probes::new(Controls::default())).await
}

#[test]
fn one_statement_or_transfer_alone_is_answered_by_every_variant() {
    for (experiment, status) in [(&TEN_STATEMENTS, 200), (&TEN_TRANSFERS, 201)] {
        for variant in experiment.variants {
            let report = run(experiment, variant.name, &[("requests", 1), ("hold_ms", 1)]);
            assert_eq!(with_status(&report, status), 1, "{} {}", experiment.slug, variant.name);
        }
    }
}

#[test]
fn a_second_connection_starves_as_soon_as_there_are_as_many_requests_as_connections() {
    for pool in 1..=4 {
        let report = statements("second-connection", pool, pool);

        assert!(with_status(&report, 503) >= 1, "{pool} requests on {pool} connections: {report:#?}");
        assert!(!report.verdict.holds);
    }
}

#[test]
fn a_second_connection_is_there_as_long_as_one_request_fewer_comes_than_there_are_connections() {
    for pool in 2..=4 {
        let report = statements("second-connection", pool - 1, pool);

        assert_eq!(with_status(&report, 200), pool - 1, "so a test with few requests is green");
    }
}

#[test]
fn a_connection_that_is_held_over_a_call_lets_as_many_call_as_there_are_connections() {
    for pool in [1, 4] {
        let report = statements("held-over-a-call", 10, pool);

        assert_eq!(report.gauge(PARTNER), pool);
        assert!(!report.verdict.holds);
    }
}

#[test]
fn ten_statements_that_ask_first_and_read_on_one_connection_share_a_pool_of_one() {
    for pool in [1, 4] {
        let report = statements("one-connection", 10, pool);

        assert_eq!(report.gauge(PARTNER), 10);
        report.assert_holds();
    }
}

#[test]
fn of_transfers_that_read_before_they_write_one_goes_through_and_all_others_are_refused() {
    for requests in [2, 10] {
        let report = transfers("deferred", requests);

        assert_eq!(with_status(&report, 201), 1);
        assert_eq!(with_status(&report, 503), requests - 1);
        assert!(!report.verdict.holds);
    }
}

#[test]
fn transfers_that_take_the_write_lock_first_all_go_through() {
    for variant in ["immediate", "write-first"] {
        transfers(variant, 10).assert_holds();
    }
}

fn answers(variant: &str) -> (Report, Vec<String>) {
    let report = run(&A_FAILED_TRANSFER, variant, &[]);
    let answers = report
        .exchanges()
        .iter()
        .map(|exchange| match exchange.body.as_i64() {
            Some(cents) => cents.to_string(),
            None => exchange.status.unwrap().to_string(),
        })
        .collect();
    (report, answers)
}

#[test]
fn a_hand_made_transaction_that_returns_early_stops_every_later_one_on_its_connection() {
    let (report, answers) = answers("hand-made");

    assert_eq!(answers, ["201", "70", "404", "70", "500", "70"]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_transfer_without_a_commit_is_answered_with_201_and_stored_nowhere() {
    let (report, answers) = answers("no-commit");

    assert_eq!(answers, ["201", "100", "404", "100", "201", "100"]);
    assert!(!report.verdict.holds);
}

#[test]
fn a_dropped_transaction_takes_back_what_it_did_and_frees_its_connection() {
    let (report, answers) = answers("transaction");

    assert_eq!(answers, ["201", "70", "404", "70", "201", "50"]);
    report.assert_holds();
}

#[tokio::test]
async fn on_a_pool_of_one_a_second_connection_never_comes_and_the_first_can_do_the_same_work() {
    let bank = bank().await;
    let mut transaction = bank.pool().begin().await.unwrap();

    let second = entries(bank.pool(), "ada").await;
    let same = entries(&mut *transaction, "ada").await;

    assert!(matches!(second, Err(BankError::Busy(sqlx::Error::PoolTimedOut))), "{second:?}");
    assert_eq!(same.unwrap(), [0; 0]);
}

#[tokio::test]
async fn a_handler_that_is_dropped_half_way_leaves_nothing_behind() {
    let bank = bank().await;
    let (tell, debited) = tokio::sync::oneshot::channel();
    let transfer = async {
        let mut transaction = bank.pool().begin().await.unwrap();
        book(&mut transaction, "ada", -30).await.unwrap();
        tell.send(balance(&mut *transaction, "ada").await.unwrap()).unwrap();
        std::future::pending::<()>().await;
        transaction.commit().await.unwrap();
    };

    let seen_inside = tokio::select! {
        () = transfer => panic!("it waits for ever"),
        // The client hangs up here: the other future is dropped and never polled again.
        seen = debited => seen.unwrap(),
    };

    assert_eq!(seen_inside, 70);
    assert_eq!(bank.audited("ada").await.unwrap(), 100);
    assert_eq!(balance(bank.pool(), "ada").await.unwrap(), 100, "and the connection is clean again");
}

#[tokio::test]
async fn a_panic_in_a_transaction_rolls_it_back_and_gives_the_connection_back() {
    let bank = bank().await;
    let in_handler = bank.clone();
    let handler = tokio::spawn(async move {
        let mut transaction = in_handler.pool().begin().await.unwrap();
        book(&mut transaction, "ada", -30).await.unwrap();
        panic!("an index out of bounds, say");
    });

    assert!(handler.await.unwrap_err().is_panic());
    assert_eq!(balance(bank.pool(), "ada").await.unwrap(), 100);
}

#[tokio::test]
async fn a_commit_can_fail_when_every_statement_before_it_has_succeeded() {
    let bank = bank().await;
    sqlx::raw_sql(
        "CREATE TABLE receipts (account TEXT REFERENCES accounts (name) DEFERRABLE INITIALLY DEFERRED)",
    )
    .execute(bank.pool())
    .await
    .unwrap();
    let mut transaction = bank.pool().begin().await.unwrap();

    let statement = sqlx::query("INSERT INTO receipts VALUES ('nobody')").execute(&mut *transaction).await;
    let commit = transaction.commit().await;

    assert!(statement.is_ok());
    assert_eq!(code(&commit.unwrap_err()), "787", "SQLITE_CONSTRAINT_FOREIGNKEY");
}

/// Two connections to one new file.
async fn two_connections(busy_timeout: Duration) -> (tempfile::TempDir, SqliteConnection, SqliteConnection) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("numbers.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(busy_timeout);
    let mut one = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE numbers (n INTEGER); INSERT INTO numbers VALUES (0)")
        .execute(&mut one)
        .await
        .unwrap();
    let other = SqliteConnection::connect_with(&options).await.unwrap();
    (folder, one, other)
}

async fn send(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(connection).await.map(|_| ())
}

fn code(error: &sqlx::Error) -> String {
    error.as_database_error().unwrap().code().unwrap().into_owned()
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_reader_that_becomes_a_writer_is_refused_at_once_however_long_the_busy_timeout_is() {
    // An hour: if the timeout played any part, this test would not end.
    let (_folder, mut one, mut other) = two_connections(HOUR).await;
    for reader in [&mut one, &mut other] {
        send(reader, "BEGIN; SELECT n FROM numbers").await.unwrap();
    }

    send(&mut one, "UPDATE numbers SET n = n + 1").await.unwrap();
    let while_it_writes = send(&mut other, "UPDATE numbers SET n = n + 1").await;
    send(&mut one, "COMMIT").await.unwrap();
    let after_it_wrote = send(&mut other, "UPDATE numbers SET n = n + 1").await;

    assert_eq!(code(&while_it_writes.unwrap_err()), "5", "SQLITE_BUSY");
    assert_eq!(code(&after_it_wrote.unwrap_err()), "517", "SQLITE_BUSY_SNAPSHOT");
}

#[tokio::test]
async fn begin_immediate_takes_its_turn_before_it_reads_so_what_it_reads_is_true() {
    let (_folder, mut one, mut other) = two_connections(HOUR).await;
    send(&mut one, "BEGIN IMMEDIATE; UPDATE numbers SET n = n + 1").await.unwrap();
    let second = tokio::spawn(async move {
        send(&mut other, "BEGIN IMMEDIATE").await?;
        let n: i64 = sqlx::query_scalar("SELECT n FROM numbers").fetch_one(&mut other).await?;
        send(&mut other, "UPDATE numbers SET n = n + 1; COMMIT").await?;
        Ok::<_, sqlx::Error>(n)
    });

    send(&mut one, "COMMIT").await.unwrap();

    assert_eq!(second.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn without_a_busy_timeout_begin_immediate_is_refused_instead_of_waiting() {
    let (_folder, mut one, mut other) = two_connections(Duration::ZERO).await;
    send(&mut one, "BEGIN IMMEDIATE").await.unwrap();

    let refused = send(&mut other, "BEGIN IMMEDIATE").await;

    assert_eq!(code(&refused.unwrap_err()), "5", "SQLITE_BUSY");
}
