//! One load test from beginning to end: the do-nothing baseline, then each variant, each on a fresh service.

use lab::Variant;
use tokio::runtime::Builder;

use crate::{
    Settings,
    attack::attack,
    heartbeat::{Heartbeat, percentile},
    progress,
    record::{Figures, Load, Measured, RunSettings},
    scenario::Scenario,
    service::{HEARTBEAT, Service},
};

/// Why there is nothing to show.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Something could not be started; the text says what.
    Failed(String),
}

impl From<String> for Stopped {
    fn from(error: String) -> Self {
        Self::Failed(error)
    }
}

/// Loads the baseline and each variant in turn, wrong ones first.
///
/// # Errors
/// If it is interrupted, or a service or the generator cannot be started.
pub(crate) fn measure(scenario: &'static Scenario, settings: Settings) -> Result<Load, Stopped> {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the users: {error}"))?;
    runtime.block_on(async {
        let (lesson, experiment) = scenario.subject();
        let steps = experiment.variants.len() + 1;
        let first = experiment.variants.first().ok_or_else(|| "the experiment has no variant".to_owned())?;
        // Whichever variant serves it: nobody asks for its report meanwhile.
        let what = format!("1/{steps} do-nothing");
        let baseline = one(&what, scenario, first, HEARTBEAT, settings).await?;
        let mut variants = Vec::new();
        for (step, variant) in (2..).zip(experiment.variants) {
            let what = format!("{step}/{steps} {} {}", variant.side, variant.name);
            let figures = one(&what, scenario, variant, scenario.path, settings).await?;
            variants.push(Measured { variant: variant.name.to_owned(), side: variant.side, figures });
        }
        Ok(Load {
            lesson: lesson.number,
            experiment: experiment.slug.to_owned(),
            title: experiment.title.to_owned(),
            settings: RunSettings {
                users: settings.users,
                seconds: settings.seconds,
                workers: settings.workers,
                hold_ms: scenario.hold_ms,
            },
            baseline,
            variants,
        })
    })
}

async fn one(
    what: &str,
    scenario: &Scenario,
    variant: &Variant,
    path: &'static str,
    settings: Settings,
) -> Result<Figures, Stopped> {
    let service = Service::start(scenario, variant, settings)?;
    let heartbeat = Heartbeat::start(&service.url);
    let load = attack(&service.url, path, settings);
    let load = progress::during(what, settings.seconds, load).await;
    if goose::is_killswitch_triggered() {
        return Err(Stopped::Interrupted);
    }
    let (load, mut beats) = (load?, heartbeat.stop()?);
    // Before the first request and after the last answer the service was idle.
    beats.retain(|beat| (load.first..=load.last).contains(&beat.sent));

    let ms = |wait: std::time::Duration| wait.as_secs_f64() * 1e3;
    Ok(Figures {
        requests_per_second: load.requests_per_second(),
        p50_ms: ms(load.p50),
        p99_ms: ms(load.p99),
        failures: load.failures,
        heartbeat_p50_ms: ms(percentile(&beats, 0.50)),
        heartbeat_p99_ms: ms(percentile(&beats, 0.99)),
    })
}
