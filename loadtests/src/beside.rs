//! Several servers asked for the same in turn, round by round, each by the same closed loop.

use std::time::Duration;

use record::{Measure, Role, Row, Study, Unit};

use crate::{closed, cores, process, progress, service::Service, wire::Wired};

/// How long and by how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Rounds, each with every server in it.
    pub(crate) rounds: u16,
    /// How long each server is asked in each round.
    pub(crate) lasts: Duration,
    /// Connections that ask again as soon as they are answered.
    pub(crate) connections: usize,
}

/// One server, and what it is asked for.
pub(crate) struct Target<'a> {
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    pub(crate) service: &'a Service,
    pub(crate) request: Wired,
}

/// Before the rounds each server is asked for this long, so that no figure holds a first time.
const WARM_UP: Duration = Duration::from_millis(300);

/// Asks all targets, as often as there are rounds, and puts the figures into the study's rows.
///
/// # Errors
/// If a server does not answer; the text names it.
pub(crate) fn measure(mut study: Study, targets: &[Target<'_>], pace: Pace) -> Result<Study, String> {
    let Pace { rounds, lasts, connections } = pace;
    for (name, value) in [
        ("connections", connections.to_string()),
        ("seconds", format!("{:.1}", lasts.as_secs_f64())),
        ("cores", cores::divided().to_owned()),
    ] {
        study.settings.insert(name.to_owned(), value);
    }
    progress::say(&format!("{}, {rounds} rounds", study.question));
    let named = |target: &Target<'_>, error| format!("{}: {error}", target.name);
    for target in targets {
        closed::run(target.service.address, &target.request, connections, WARM_UP.min(lasts))
            .map_err(|error| named(target, error))?;
    }
    for round in 0..rounds {
        let mut order: Vec<_> = targets.iter().collect();
        // There and back: what drifts over a round then favours nobody.
        if round % 2 == 1 {
            order.reverse();
        }
        let mut rows = Vec::new();
        for target in order {
            rows.push(one(target, lasts, connections).map_err(|error| named(target, error))?);
        }
        if round % 2 == 1 {
            rows.reverse();
        }
        let round = Study { rows, ..study.clone() };
        study.merge(round);
    }
    Ok(study)
}

fn one(target: &Target<'_>, lasts: Duration, connections: usize) -> Result<Row, String> {
    let before = process::cpu(target.service.pid());
    let done = closed::run(target.service.address, &target.request, connections, lasts)?;
    let after = process::cpu(target.service.pid());
    #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
    let (answered, failed) = (done.answered as f64, done.failed as f64);
    let mut measures = vec![
        Measure::one("goodput", Unit::PerSecond, done.per_second()),
        Measure::one("p50", Unit::Milliseconds, done.percentile_ms(0.50)),
        Measure::one("p99", Unit::Milliseconds, done.percentile_ms(0.99)),
    ];
    if let (Some(before), Some(after)) = (before, after) {
        let each = (after - before).as_secs_f64() * 1e6 / (answered + failed);
        measures.push(Measure::one("server CPU", Unit::Microseconds, each));
    }
    measures.push(Measure::one("failed", Unit::Count, failed));
    Ok(Row { name: target.name.to_owned(), role: target.role, at: None, measures })
}
