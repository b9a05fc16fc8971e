//! The knee: load is offered at a fixed rate, step by step, and what comes back in time is counted.
//!
//! Below the knee every request is answered at once, and goodput equals what was offered. Beyond it the queue grows for as long
//! as the load lasts; each answer comes later than the last, and soon none comes in time. A service that sheds what it cannot do
//! keeps its goodput level instead.

use std::time::Duration;

use record::{Kind, Measure, Role, Row, Settings, Study, Unit};

use super::Reference;
use crate::{Stopped, closed, cores, open, progress};

/// An answer after this long is of no use to anybody.
const IN_TIME_MS: f64 = 100.0;

/// Offered load, as shares of what a closed loop of 32 connections reached.
const STEPS: [f64; 8] = [0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5];

/// Measures the list of 20 items behind a token at each step.
///
/// # Errors
/// If the service cannot be started or does not answer.
pub(super) fn measure(seconds: u16) -> Result<Study, Stopped> {
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for the database: {error}"))?;
    let reference = Reference::start(folder.path(), "warn")?;
    let (access, _) = reference.account("ada@example.com", "a long enough password 1")?;
    reference.items(&access, 20)?;
    let request = reference.get("/api/v1/items?limit=20", &access);
    let lasts = Duration::from_secs_f64(f64::from(seconds) / 4.0);

    progress::say("what it can do at all, in a closed loop");
    let most = closed::run(reference.service.address, &request, 32, lasts)?.per_second();
    let mut rows = Vec::new();
    for step in STEPS {
        let offered = record::rounded((most * step).round());
        progress::say(&format!("{offered} requests/s offered"));
        let done = open::run(reference.service.address, &request, offered, lasts)?;
        #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
        let in_time = done.waits_ms.partition_point(|wait| *wait <= IN_TIME_MS) as f64 / lasts.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
        let failed = done.failed as f64;
        rows.push(Row {
            name: "goodput".to_owned(),
            role: Role::Ours,
            at: Some(offered),
            measures: vec![
                Measure::one("goodput", Unit::PerSecond, in_time),
                Measure::one("p50", Unit::Milliseconds, done.percentile_ms(0.50)),
                Measure::one("p99", Unit::Milliseconds, done.percentile_ms(0.99)),
                Measure::one("failed", Unit::Count, failed),
            ],
        });
    }
    Ok(Study {
        id: "api-knee".to_owned(),
        kind: Kind::Api,
        lesson: Some(2),
        question: "Where does more load bring no more answers? A list of 20 items behind a token".to_owned(),
        settings: Settings::from([
            ("seconds a step".to_owned(), lasts.as_secs_f64().to_string()),
            ("in time".to_owned(), format!("within {IN_TIME_MS} ms")),
            ("closed loop reached".to_owned(), format!("{} requests/s", record::number(most))),
            ("cores".to_owned(), cores::divided().to_owned()),
        ]),
        rows,
        notes: vec!["An open loop: requests come at a fixed rate. Waits count from the moment at which a request was due.".to_owned()],
    })
}
