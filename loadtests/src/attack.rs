//! The users: goose, set up so that only its numbers come out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use goose::{
    GooseAttack, GooseError,
    config::GooseConfiguration,
    goose::{GooseMethod, GooseRequest, GooseUser, Scenario, Transaction},
    metrics::GooseMetrics,
};

use crate::Settings;

/// A request that takes longer counts as a failure. 200 users on one worker wait for 4 s.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// All users have started within this time, so that nearly the whole run is under the full load.
const STARTED_WITHIN: f32 = 0.2;

/// One name for all requests: goose keeps one set of figures for each.
const NAME: &str = "load";

/// What the users saw.
#[derive(Debug)]
pub(crate) struct Attack {
    /// Answers with a 2xx status.
    pub(crate) answered: u64,
    /// Everything else: another status, no connection, no answer in time.
    pub(crate) failures: u64,
    /// The median of all answers since the last user has started.
    pub(crate) p50: Duration,
    /// The 99th percentile of the same answers.
    pub(crate) p99: Duration,
    /// When the first request was sent.
    pub(crate) first: Instant,
    /// When the last answer came.
    pub(crate) last: Instant,
}

impl Attack {
    /// Good answers in a second, over the time in which users were really asking.
    #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
    pub(crate) fn requests_per_second(&self) -> f64 {
        let seconds = (self.last - self.first).as_secs_f64();
        if seconds > 0.0 { self.answered as f64 / seconds } else { 0.0 }
    }
}

/// Counts answers between the first request and the last answer, in microseconds since `base`.
///
/// Goose counts whole seconds, and not those in which users still start. Over a run of five that is too coarse.
#[derive(Debug)]
struct Tally {
    base: Instant,
    first: AtomicU64,
    last: AtomicU64,
    answered: AtomicU64,
    failures: AtomicU64,
}

impl Tally {
    fn new() -> Self {
        Self {
            base: Instant::now(),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn sending(&self) {
        self.first.fetch_min(self.now(), Ordering::Relaxed);
    }

    fn done(&self, success: bool) {
        self.last.fetch_max(self.now(), Ordering::Relaxed);
        if success { &self.answered } else { &self.failures }.fetch_add(1, Ordering::Relaxed);
    }

    fn bounds(&self) -> (Instant, Instant) {
        let last = self.last.load(Ordering::Relaxed);
        let first = self.first.load(Ordering::Relaxed).min(last);
        (self.base + Duration::from_micros(first), self.base + Duration::from_micros(last))
    }
}

/// Lets the users ask for `path` until the time is over. A request that is on its way then is waited for.
///
/// # Errors
/// If the users cannot be started; the text says why.
pub(crate) async fn attack(url: &str, path: &'static str, settings: Settings) -> Result<Attack, String> {
    // No proxy: the environment may name one, even for 127.0.0.1. Idle connections are kept, one for each user.
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
    let client = client.map_err(|error| format!("no client for the users: {error}"))?;
    // Goose prints a line for each request that fails, of which there may be thousands; they are counted instead. The
    // logger that does nothing goes first, since the first one stays. An error means that it is in place already.
    let _ = log::set_logger(log::logger());
    let tally = Arc::new(Tally::new());
    let metrics = conduct(url, path, settings, client, Arc::clone(&tally)).await;
    let metrics = metrics.map_err(|error| error.to_string())?;

    let (first, last) = tally.bounds();
    let requests = metrics.requests.values().find(|requests| requests.path == NAME);
    let requests = requests.ok_or("not one request was sent; is the machine very busy?")?;
    let percentile = |percent| Duration::from_micros(requests.raw_data.percentile_us(percent));
    Ok(Attack {
        answered: tally.answered.load(Ordering::Relaxed),
        failures: tally.failures.load(Ordering::Relaxed),
        p50: percentile(0.50),
        p99: percentile(0.99),
        first,
        last,
    })
}

async fn conduct(
    url: &str,
    path: &'static str,
    settings: Settings,
    client: reqwest::Client,
    tally: Arc<Tally>,
) -> Result<GooseMetrics, GooseError> {
    let ready = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        // Shared, because each new client reads the system's certificates again.
        user.client = client.clone();
        Box::pin(async { Ok(()) })
    }))
    .set_on_start();
    let ask = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let tally = Arc::clone(&tally);
        Box::pin(async move {
            tally.sending();
            let request = GooseRequest::builder().method(GooseMethod::Get).path(path).name(NAME).build();
            let outcome = user.request(request).await;
            tally.done(outcome.as_ref().is_ok_and(|answer| answer.request.success));
            outcome.map(|_| ())
        })
    }));
    let scenario = Scenario::new(NAME).register_transaction(ready).register_transaction(ask);

    GooseAttack::initialize_with_config(configuration(url, settings))?
        .register_scenario(scenario)
        .execute()
        .await
}

fn configuration(url: &str, settings: Settings) -> GooseConfiguration {
    // Not in one expression: the struct has private fields.
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(url.to_owned());
    configuration.users = Some(settings.users.into());
    configuration.increase_rate = Some((f32::from(settings.users) / STARTED_WITHIN).to_string());
    configuration.run_time = Some(format!("{}s", settings.seconds));
    configuration.quiet = 1;
    configuration.no_print_metrics = true;
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    // Otherwise goose listens on port 5116 for anybody on this machine.
    configuration.no_telnet = true;
    configuration
}
