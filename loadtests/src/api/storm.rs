//! A storm of logins: what a neighbour feels meanwhile, and how much memory stays when it is over.
//!
//! A hash is 20 ms of arithmetic on 19 MiB, on purpose. Without a bound on how many run at once, a login endpoint is the
//! cheapest way to take a service down.

use std::time::Duration;

use record::{Kind, Measure, Role, Row, Settings, Study, Unit, percentile};
use serde_json::json;

use super::Reference;
use crate::{
    Stopped, closed, cores, fastapi::ask_once, heartbeat::Heartbeat, process::Memory, progress, wire::Wired,
};

/// Connections that log in as fast as they are let.
const AT_ONCE: usize = 32;

/// Measures the storm as often as there are rounds, on one service: memory that is kept from round to round shows.
///
/// # Errors
/// If the service cannot be started or does not answer.
pub(super) fn measure(rounds: u16, seconds: u16) -> Result<Study, Stopped> {
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for the database: {error}"))?;
    let reference = Reference::start(folder.path(), "warn")?;
    let (email, password) = ("ada@example.com", "a long enough password 1");
    reference.account(email, password)?;
    let address = reference.service.address;
    let body = json!({ "email": email, "password": password });
    let login = Wired::new(address, "POST", "/api/v1/auth/login", &[], Some(&body));
    let lasts = Duration::from_secs_f64(f64::from(seconds) / 5.0);
    let pid = reference.service.pid();
    let mut study = Study {
        id: "api-storm".to_owned(),
        kind: Kind::Api,
        lesson: Some(10),
        question: "32 connections log in at once: what a neighbour feels, and what memory stays".to_owned(),
        settings: Settings::from([
            ("connections".to_owned(), AT_ONCE.to_string()),
            ("seconds".to_owned(), lasts.as_secs_f64().to_string()),
            ("cores".to_owned(), cores::divided().to_owned()),
        ]),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for round in 1..=rounds {
        progress::say(&format!("storm {round} of {rounds}"));
        let heartbeat = Heartbeat::start(&format!("{}/health/live", reference.service.url()));
        let done = closed::run(address, &login, AT_ONCE, lasts)?;
        // Those who hung up at the end have left hashes behind. Permits are given in turn, so none of them is computed any
        // more when this one is answered, and the memory below is what stays.
        ask_once(&reference.service, &login).map_err(|error| format!("the login after the storm {error}"))?;
        let mut beats: Vec<_> =
            heartbeat.stop()?.iter().map(|beat| beat.waited.as_secs_f64() * 1e3).collect();
        beats.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
        let failed = done.failed as f64;
        let mut measures = vec![
            Measure::one("logins", Unit::PerSecond, done.per_second()),
            Measure::one("p99", Unit::Milliseconds, done.percentile_ms(0.99)),
            Measure::one("beat p99", Unit::Milliseconds, percentile(&beats, 0.99)),
            Measure::one("failed", Unit::Count, failed),
        ];
        measures.extend(Memory::of(pid).into_iter().flat_map(Memory::measures));
        let row = Row { name: "reference API".to_owned(), role: Role::Ours, at: None, measures };
        let round = Study { rows: vec![row], ..study.clone() };
        study.merge(round);
    }
    Ok(study)
}
