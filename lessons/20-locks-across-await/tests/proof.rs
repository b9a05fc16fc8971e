//! Proves lesson 20: held across an await, every lock is a queue of one; let go before it, the requests overlap.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use std::{
    collections::HashMap,
    pin::{Pin, pin},
    sync::{self, TryLockError},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use lab::{Experiment, Observed, Plan, Probes, Report, Run, Timeline, assert_refused};
use locks_across_await::{AT_THE_EXCHANGE, CALLS, CURRENCIES, LESSON, TEN_RATES};
use tokio::{
    sync::{Mutex, RwLock},
    task::JoinSet,
    time::{Instant, timeout},
};
use tower::ServiceExt as _;

fn run(experiment: &'static Experiment, variant: &str, asked: &[(&str, u64)]) -> Report {
    let controls = experiment.controls(asked.iter().copied()).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).gated().report()
}

const WRONG: [&str; 2] = ["tokio-mutex", "write-lock"];
const RIGHT: [&str; 3] = ["copy-out", "lock-per-currency", "actor"];

#[test]
fn one_request_alone_is_answered_by_every_variant() {
    for variant in TEN_RATES.variants {
        run(&TEN_RATES, variant.name, &[("requests", 1), ("hold_ms", 1)]).assert_holds();
    }
}

#[test]
fn a_lock_that_is_held_over_the_call_lets_one_request_at_a_time_to_the_exchange() {
    for variant in WRONG {
        for workers in [1, 4] {
            let report = run(&TEN_RATES, variant, &[("hold_ms", 1), ("workers", workers)]);

            let Observed::Timeline { beats_meanwhile, .. } = &report.observed else { panic!("a timeline") };
            assert_eq!(report.gauge(AT_THE_EXCHANGE), 1, "{variant} on {workers} workers");
            assert!(*beats_meanwhile > 0, "{variant}: no thread is held, only the lock");
            assert!(!report.verdict.holds);
        }
    }
}

#[test]
fn a_lock_that_is_let_go_before_the_call_lets_all_requests_to_the_exchange() {
    for variant in RIGHT {
        let report = run(&TEN_RATES, variant, &[("hold_ms", 1)]);

        assert_eq!(report.gauge(AT_THE_EXCHANGE), 10, "{variant}");
        report.assert_holds();
    }
}

/// How long ten requests take together on the virtual clock, which runs only while everybody waits.
async fn ten_requests(variant: &str) -> Duration {
    let controls = TEN_RATES.controls([("hold_ms", 100)]).unwrap();
    let service = (TEN_RATES.variant(variant).unwrap().app)(Probes::new(controls)).await;
    let since = Instant::now();
    let mut asked = JoinSet::new();
    for currency in &CURRENCIES[..10] {
        let request = Request::get(format!("/rates/{currency}")).body(Body::empty()).unwrap();
        asked.spawn(service.clone().oneshot(request));
    }
    for answer in asked.join_all().await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn ten_calls_of_100_ms_take_a_second_under_the_lock_and_100_ms_without_it() {
    for variant in WRONG {
        assert_eq!(ten_requests(variant).await, Duration::from_millis(1000), "{variant}");
    }
    for variant in RIGHT {
        assert_eq!(ten_requests(variant).await, Duration::from_millis(100), "{variant}");
    }
}

/// Ten requests for one currency.
static ONE_CURRENCY: Experiment = Experiment {
    plan: Plan::Timeline(Timeline {
        requests: |controls| vec![lab::Request::get("/rates/EUR"); controls.requests()],
    }),
    ..TEN_RATES
};

#[test]
fn of_ten_requests_for_one_currency_a_lock_for_it_lets_one_ask_and_copying_out_lets_all() {
    for (variant, calls) in [("copy-out", 10), ("lock-per-currency", 1)] {
        let report = run(&ONE_CURRENCY, variant, &[("hold_ms", 1)]);
        assert_eq!(report.counter(CALLS), calls, "{variant}");
    }
}

#[test]
fn a_std_guard_across_an_await_is_refused_by_the_compiler_and_the_debug_handler_says_why() {
    for example in ["std_guard", "std_guard_explained"] {
        assert_refused(env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_NAME"), example);
    }
}

/// Polls once. `true` if the future has ended.
async fn ends_at_once(future: Pin<&mut impl Future>) -> bool {
    tokio::select! {
        biased;
        _ = future => true,
        () = std::future::ready(()) => false,
    }
}

#[tokio::test]
async fn a_suspended_task_still_holds_its_guard() {
    let table = Mutex::new(0);
    let mut handler = pin!(async {
        let _table = table.lock().await;
        std::future::pending::<()>().await;
    });

    assert!(table.try_lock().is_ok());
    assert!(!ends_at_once(handler.as_mut()).await);
    assert!(table.try_lock().is_err());
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "the fault that this test is about")]
async fn where_no_task_moves_a_std_guard_compiles_and_the_next_lock_would_block_the_only_thread() {
    let table = sync::Mutex::new(0);
    // Not `Send`, which neither a local task nor `block_on` asks for.
    let mut handler = pin!(async {
        let _table = table.lock().unwrap();
        std::future::pending::<()>().await;
    });

    assert!(!ends_at_once(handler.as_mut()).await);
    // `lock` would wait here for a task that can only run on this thread: for ever.
    assert!(matches!(table.try_lock(), Err(TryLockError::WouldBlock)));
}

#[tokio::test(start_paused = true)]
async fn a_guard_made_in_a_match_lives_as_long_as_the_match_and_locking_again_in_it_never_ends() {
    let table = Mutex::new(HashMap::<&str, u64>::new());
    let in_one_line = async {
        match table.lock().await.get("EUR").copied() {
            Some(rate) => rate,
            None => *table.lock().await.entry("EUR").or_insert(1),
        }
    };
    let looked_first = async {
        let known = table.lock().await.get("EUR").copied();
        match known {
            Some(rate) => rate,
            None => *table.lock().await.entry("EUR").or_insert(1),
        }
    };

    assert!(timeout(Duration::from_secs(3600), in_one_line).await.is_err());
    assert_eq!(timeout(Duration::from_secs(3600), looked_first).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_edition_2024_the_guard_of_an_if_let_is_gone_in_its_else() {
    let table = Mutex::new(HashMap::<&str, u64>::new());
    let handler = async {
        if let Some(rate) = table.lock().await.get("EUR") {
            *rate
        } else {
            *table.lock().await.entry("EUR").or_insert(1)
        }
    };

    assert_eq!(timeout(Duration::from_secs(3600), handler).await.unwrap(), 1);
}

#[tokio::test]
async fn one_waiting_writer_stops_every_reader_that_comes_after_it() {
    let table = RwLock::new(0);
    let reading = table.read().await;
    assert!(table.try_read().is_ok(), "readers share");
    let mut writing = pin!(table.write());
    assert!(!ends_at_once(writing.as_mut()).await);

    assert!(
        table.try_read().is_err(),
        "so a read guard across an await stops them all, once somebody writes"
    );

    drop(reading);
    assert!(ends_at_once(writing).await);
}

#[tokio::test]
async fn a_panic_poisons_a_std_mutex_and_tokios_hands_out_what_is_left() {
    let std_mutex = sync::Arc::new(sync::Mutex::new(0));
    let tokio_mutex = sync::Arc::new(Mutex::new(0));
    let (one, other) = (sync::Arc::clone(&std_mutex), sync::Arc::clone(&tokio_mutex));
    let panicked = tokio::spawn(async move {
        let (mut half, mut done) = (one.lock().unwrap(), other.try_lock().unwrap());
        (*half, *done) = (1, 1);
        panic!("between two changes that belong together");
    });

    assert!(panicked.await.unwrap_err().is_panic());
    assert!(std_mutex.lock().is_err());
    assert_eq!(*tokio_mutex.lock().await, 1);
}
