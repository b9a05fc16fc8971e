//! One lesson under load: the do-nothing baseline, then each variant, each on a fresh service, round by round.

use std::{path::PathBuf, sync::Arc, time::Duration};

use lab::{Side, Variant};
use record::{Kind, Measure, Role, Row, Study, Unit, percentile};
use tokio::runtime::Builder;

use crate::{
    Settings, Stopped,
    attack::{Attack, Users, attack},
    cores,
    heartbeat::{Beat, Heartbeat},
    optimised,
    process::Memory,
    progress,
    scenario::{self, Scenario},
    service::{HEARTBEAT, Service},
};

/// The name of the baseline.
const DO_NOTHING: &str = "do-nothing";

/// A variant that answers more than this share of what the do-nothing endpoint answers is held back by the generator or
/// by HTTP itself, at least in part.
const NEAR_THE_LIMIT: f64 = 0.7;

/// Runs all load tests of a lesson, which is given by number or name.
///
/// # Errors
/// If the lesson has none, or as [`one_test`] says.
pub(crate) fn measure(lesson: &str, settings: Settings) -> Result<Vec<Study>, Stopped> {
    let scenarios = scenario::find(lesson).map_err(Stopped::Refused)?;
    scenarios.into_iter().map(|scenario| one_test(scenario, settings)).collect()
}

/// Loads the baseline and each variant in turn, as often as there are rounds.
///
/// # Errors
/// If it is interrupted, a service or the generator cannot be started, or a right way fails.
fn one_test(scenario: &'static Scenario, settings: Settings) -> Result<Study, Stopped> {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the users: {error}"))?;
    let (lesson, _) = scenario.subject();
    let mut study = Study {
        id: scenario.id(),
        kind: Kind::Load,
        lesson: Some(lesson.number),
        question: scenario.title(),
        settings: said(scenario, settings),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for round in 1..=settings.rounds {
        let mut order: Vec<Option<&'static Variant>> = Vec::new();
        // The baseline is compared with nothing, it only tells whether the generator was the limit. Once will do.
        if round == 1 {
            order.push(None);
        }
        order.extend(scenario.variants().map(Some));
        // There and back: what drifts over a round then favours nobody.
        if round % 2 == 0 {
            order.reverse();
        }
        let mut rows = Vec::new();
        for variant in order {
            let name = variant.map_or(DO_NOTHING, |variant| variant.name);
            let what = format!("round {round} of {}, {name}", settings.rounds);
            rows.push(runtime.block_on(one(&what, scenario, variant, settings))?);
        }
        if round % 2 == 0 {
            rows.reverse();
        }
        let round = Study { rows, ..study.clone() };
        study.merge(round);
    }
    sound(&study)?;
    study.notes = vec![limit(&study), CLOSED.to_owned()];
    Ok(study)
}

const CLOSED: &str = "Users wait for an answer before they ask again, so they ask less while the service stalls: the wrong \
                      way's p99 is flattered (coordinated omission, `cargo load omission`). The heartbeat is sent every 20 ms, come \
                      what may.";

fn said(scenario: &Scenario, settings: Settings) -> record::Settings {
    let mut said: record::Settings =
        scenario.controls().iter().map(|(name, value)| (name.replace('_', " "), value.to_string())).collect();
    // The door's own setting counts here; in the lab the control of that name does.
    said.remove("requests");
    for (name, value) in
        [("users", settings.users), ("seconds", settings.seconds), ("workers", settings.workers)]
    {
        said.insert(name.to_owned(), value.to_string());
    }
    said.insert("cores".to_owned(), cores::divided().to_owned());
    if !scenario.answers.is_empty() {
        let others: Vec<_> = scenario.answers.iter().map(u16::to_string).collect();
        said.insert("good answers".to_owned(), format!("2xx and {}", others.join(", ")));
    }
    said
}

async fn one(
    what: &str,
    scenario: &'static Scenario,
    variant: Option<&'static Variant>,
    settings: Settings,
) -> Result<Row, Stopped> {
    let (_, experiment) = scenario.subject();
    let first = experiment.variants.first().ok_or_else(|| "the experiment has no variant".to_owned())?;
    // The baseline is the heartbeat of whichever variant: nobody asks for anything else meanwhile.
    let service = Service::of_lesson(scenario, variant.unwrap_or(first), settings.workers)?;
    let asks = match variant {
        Some(_) => scenario.asks(),
        None => vec![lab::Request::get(HEARTBEAT)],
    };
    let users = Users {
        users: settings.users,
        seconds: settings.seconds,
        asks: Arc::new(asks),
        answers: scenario.answers,
        corrected: false,
    };
    let report = variant.and_then(|variant| kept(&format!("{}-{}", scenario.id(), variant.name)));
    let url = service.url();
    let heartbeat = Heartbeat::start(&format!("{url}{HEARTBEAT}"));
    let load = attack(&url, &users, report.as_deref());
    let load = progress::during(what, settings.seconds, load).await;
    if goose::is_killswitch_triggered() {
        return Err(Stopped::Interrupted);
    }
    let resident = Memory::of(service.pid()).map(|memory| memory.resident);
    let (load, mut beats) = (load?, heartbeat.stop()?);
    // Before the first request and after the last answer the service was idle.
    beats.retain(|beat| (load.first..=load.last).contains(&beat.sent));
    Ok(Row {
        name: variant.map_or(DO_NOTHING, |variant| variant.name).to_owned(),
        role: variant.map_or(Role::Baseline, role),
        at: None,
        measures: figures(&load, &beats, resident.filter(|_| scenario.remembers)),
    })
}

fn figures(load: &Attack, beats: &[Beat], resident_mib: Option<f64>) -> Vec<Measure> {
    let mut beats: Vec<_> = beats.iter().map(|beat| ms(beat.waited)).collect();
    beats.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
    let counted = |name: &str, count: u64| Measure::one(name, Unit::Count, count as f64);
    let mut measures = vec![
        Measure::one("goodput", Unit::PerSecond, load.goodput()),
        Measure::one("p99", Unit::Milliseconds, load.percentile_ms(0.99)),
        Measure::one("beat p50", Unit::Milliseconds, percentile(&beats, 0.50)),
        Measure::one("beat p99", Unit::Milliseconds, percentile(&beats, 0.99)),
        counted("refused", load.refused),
        counted("failed", load.failed),
    ];
    if let Some(mib) = resident_mib {
        // In place of the median beat: six columns are all that fit.
        measures[2] = Measure::one("resident", Unit::Mebibytes, mib);
    }
    measures
}

fn ms(wait: Duration) -> f64 {
    wait.as_secs_f64() * 1e3
}

/// What a variant stands for in the comparison.
fn role(variant: &Variant) -> Role {
    match variant.side {
        Side::Wrong => Role::Wrong,
        Side::Right => Role::Right,
    }
}

/// Where goose's own report goes: under `target/load/`, in place of the last one.
pub(crate) fn kept(name: &str) -> Option<PathBuf> {
    let folder = optimised::root().join("target/load");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join(format!("{name}.html")))
}

/// A wrong way may drop requests, if that is its fault. The baseline and the right ways may not.
fn sound(study: &Study) -> Result<(), String> {
    for row in study.rows.iter().filter(|row| row.role != Role::Wrong) {
        let failed: f64 = row.measure("failed").map_or(0.0, |failed| failed.samples.iter().sum());
        if failed > 0.0 {
            return Err(format!(
                "{failed} requests to {} failed, so there are no figures; take fewer --users.",
                row.name
            ));
        }
    }
    Ok(())
}

/// Whether the generator set the numbers. The do-nothing endpoint tells: the same users, the same client, no work.
fn limit(study: &Study) -> String {
    let goodput = |row: &Row| row.headline().map_or(0.0, |measure| record::median(&measure.samples));
    let most = study.row(DO_NOTHING).map_or(0.0, goodput);
    let near = study.rows.iter().filter(|row| row.name != DO_NOTHING && goodput(row) > most * NEAR_THE_LIMIT);
    let near: Vec<_> = near.map(|row| row.name.as_str()).collect();
    if near.is_empty() {
        format!(
            "The generator was not the limit: do-nothing reached {} requests/s, and no variant came near it.",
            record::number(most)
        )
    } else {
        format!(
            "The generator was the limit for {}: do-nothing itself reached only {} requests/s. These numbers say what this \
             machine can ask, not what the variant can answer; take fewer --users.",
            near.join(", "),
            record::number(most)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(do_nothing: f64, right_failed: f64) -> Study {
        let row = |name: &str, role, goodput, failed| Row {
            name: name.to_owned(),
            role,
            at: None,
            measures: vec![
                Measure::one("goodput", Unit::PerSecond, goodput),
                Measure::one("failed", Unit::Count, failed),
            ],
        };
        Study {
            id: "load-18-ten-reports".to_owned(),
            kind: Kind::Load,
            lesson: Some(18),
            question: String::new(),
            settings: record::Settings::new(),
            rows: vec![
                row(DO_NOTHING, Role::Baseline, do_nothing, 0.0),
                row("sync-driver", Role::Wrong, 50.0, 3.0),
                row("async-driver", Role::Right, 900.0, right_failed),
            ],
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_variant_that_answers_nearly_as_much_as_nothing_does_is_called_limited_by_the_generator() {
        assert!(limit(&study(1000.0, 0.0)).starts_with("The generator was the limit for async-driver:"));
        assert!(limit(&study(8000.0, 0.0)).starts_with("The generator was not the limit"));
    }

    #[test]
    fn a_wrong_way_may_drop_requests_and_a_right_way_may_not() {
        assert_eq!(sound(&study(8000.0, 0.0)), Ok(()));
        let error = sound(&study(8000.0, 1.0)).unwrap_err();
        assert!(error.contains("async-driver"), "{error}");
    }
}
