//! The users: goose, set up so that only its numbers come out.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use goose::{
    GooseAttack, GooseError,
    config::GooseConfiguration,
    goose::{GooseMethod, GooseRequest, GooseUser, Scenario, Transaction},
    metrics::{GooseCoordinatedOmissionMitigation, GooseMetrics},
};
use lab::Request;
use record::percentile;

/// A request that takes longer counts as a failure. 200 users on one worker wait for 4 s.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// All users have started within this time, so that nearly the whole run is under the full load.
const STARTED_WITHIN: f32 = 0.2;

/// One name for all requests: goose keeps one set of figures for each.
const NAME: &str = "load";

/// Who asks, for what, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    /// How many.
    pub(crate) users: u16,
    /// For so many seconds.
    pub(crate) seconds: u16,
    /// What they ask for. Each begins somewhere else and then walks on from one to the next.
    pub(crate) asks: Arc<Vec<Request>>,
    /// Statuses that count as a good answer, beside 2xx.
    pub(crate) answers: &'static [u16],
    /// Whether goose fills in the requests that nobody sent while the server stalled.
    pub(crate) corrected: bool,
}

/// What the users saw.
#[derive(Debug)]
pub(crate) struct Attack {
    /// Answers with a status that counts as good.
    pub(crate) answered: u64,
    /// Answers 429 and 503: the service said that it has too much to do.
    pub(crate) refused: u64,
    /// Everything else: another status, no connection, no answer in time.
    pub(crate) failed: u64,
    /// How long the good answers took, in milliseconds, sorted.
    pub(crate) waits_ms: Vec<f64>,
    /// The 99th percentile with goose's correction in it, in milliseconds, where one was asked for.
    pub(crate) corrected_p99_ms: Option<f64>,
    /// When the first request was sent.
    pub(crate) first: Instant,
    /// When the last answer came.
    pub(crate) last: Instant,
}

impl Attack {
    /// Good answers in a second, over the time in which users were really asking.
    #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
    pub(crate) fn goodput(&self) -> f64 {
        let seconds = (self.last - self.first).as_secs_f64();
        if seconds > 0.0 { self.answered as f64 / seconds } else { 0.0 }
    }

    /// The wait that this share of the good answers did not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        percentile(&self.waits_ms, share)
    }
}

/// Counts answers between the first request and the last answer, in microseconds since `base`.
///
/// Goose counts whole seconds, and not those in which users still start. Over a run of five that is too coarse.
#[derive(Debug)]
struct Tally {
    base: Instant,
    /// Statuses that are good, beside 2xx.
    answers: &'static [u16],
    first: AtomicU64,
    last: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    waits: Mutex<Vec<Duration>>,
}

impl Tally {
    fn new(answers: &'static [u16]) -> Self {
        Self {
            base: Instant::now(),
            answers,
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            waits: Mutex::default(),
        }
    }

    fn since_base(&self, at: Instant) -> u64 {
        u64::try_from((at - self.base).as_micros()).unwrap_or(u64::MAX)
    }

    fn done(&self, sent: Instant, status: Option<u16>) {
        let now = Instant::now();
        self.first.fetch_min(self.since_base(sent), Ordering::Relaxed);
        self.last.fetch_max(self.since_base(now), Ordering::Relaxed);
        match status {
            Some(status) if (200..=299).contains(&status) || self.answers.contains(&status) => {
                self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(now - sent)
            }
            Some(429 | 503) => _ = self.refused.fetch_add(1, Ordering::Relaxed),
            _ => _ = self.failed.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn attack(&self, corrected_p99_ms: Option<f64>) -> Attack {
        let last = self.last.load(Ordering::Relaxed);
        let first = self.first.load(Ordering::Relaxed).min(last);
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits_ms: Vec<_> = waits.iter().map(|wait| wait.as_secs_f64() * 1e3).collect();
        waits_ms.sort_by(f64::total_cmp);
        Attack {
            answered: waits_ms.len() as u64,
            refused: self.refused.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            waits_ms,
            corrected_p99_ms,
            first: self.base + Duration::from_micros(first),
            last: self.base + Duration::from_micros(last),
        }
    }
}

/// Lets the users ask until the time is over. A request that is on its way then is waited for. Goose's own report is kept in
/// the file, if one is named.
///
/// # Errors
/// If the users cannot be started; the text says why.
pub(crate) async fn attack(url: &str, users: &Users, report: Option<&Path>) -> Result<Attack, String> {
    // No proxy: the environment may name one, even for 127.0.0.1. Idle connections are kept, one for each user.
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
    let client = client.map_err(|error| format!("no client for the users: {error}"))?;
    be_quiet();
    let tally = Arc::new(Tally::new(users.answers));
    let metrics = conduct(url, users, report, client, Arc::clone(&tally)).await;
    let metrics = metrics.map_err(|error| error.to_string())?;
    let requests = metrics.requests.values().find(|requests| requests.path == NAME);
    let requests = requests.ok_or("not one request was sent; is the machine very busy?")?;
    let corrected = users.corrected.then(|| {
        let data = requests.coordinated_omission_data.as_ref().unwrap_or(&requests.raw_data);
        Duration::from_micros(data.percentile_us(0.99)).as_secs_f64() * 1e3
    });
    Ok(tally.attack(corrected))
}

/// Goose prints a line for each request that fails, of which there may be thousands; they are counted instead.
pub(crate) fn be_quiet() {
    // The logger that does nothing goes first, since the first one stays. An error means that it is in place already.
    let _ = log::set_logger(log::logger());
}

async fn conduct(
    url: &str,
    users: &Users,
    report: Option<&Path>,
    client: reqwest::Client,
    tally: Arc<Tally>,
) -> Result<GooseMetrics, GooseError> {
    let ready = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        // Shared, because each new client reads the system's certificates again.
        user.client = client.clone();
        Box::pin(async { Ok(()) })
    }))
    .set_on_start();
    let next = Arc::new(AtomicUsize::new(0));
    let asks = Arc::clone(&users.asks);
    let ask = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let (tally, asks) = (Arc::clone(&tally), Arc::clone(&asks));
        let nth = next.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let Some(ask) = asks.get(nth % asks.len().max(1)) else { return Ok(()) };
            let request = as_goose(user, ask)?;
            let sent = Instant::now();
            let outcome = user.request(request).await?;
            // An answer counts when its body is there, as a user would count.
            let status = match outcome.response {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    answer.bytes().await.is_ok().then_some(status)
                }
                Err(_) => None,
            };
            tally.done(sent, status);
            Ok(())
        })
    }));
    let scenario = Scenario::new(NAME).register_transaction(ready).register_transaction(ask);

    GooseAttack::initialize_with_config(configuration(url, users, report))?
        .register_scenario(scenario)
        .execute()
        .await
}

/// A request of the lab in goose's form.
fn as_goose<'a>(
    user: &GooseUser,
    ask: &Request,
) -> Result<GooseRequest<'a>, Box<goose::goose::TransactionError>> {
    let method = match ask.method.as_str() {
        "POST" => GooseMethod::Post,
        "PUT" => GooseMethod::Put,
        "PATCH" => GooseMethod::Patch,
        "DELETE" => GooseMethod::Delete,
        "HEAD" => GooseMethod::Head,
        _ => GooseMethod::Get,
    };
    let mut builder = user.get_request_builder(&method, &ask.path)?;
    if let Some(token) = &ask.bearer {
        builder = builder.bearer_auth(token);
    }
    if let Some(body) = &ask.body {
        builder = builder.json(body);
    }
    Ok(GooseRequest::builder().method(method).name(NAME).set_request_builder(builder).build())
}

/// What all of our attacks share.
pub(crate) fn quiet_configuration(url: &str, report: Option<&Path>) -> GooseConfiguration {
    // Not in one expression: the struct has private fields.
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(url.to_owned());
    configuration.quiet = 2;
    configuration.no_print_metrics = true;
    configuration.no_reset_metrics = true;
    // Otherwise goose listens on port 5116 for anybody on this machine.
    configuration.no_telnet = true;
    if let Some(report) = report {
        configuration.report_file = vec![report.display().to_string()];
    }
    configuration
}

fn configuration(url: &str, users: &Users, report: Option<&Path>) -> GooseConfiguration {
    let mut configuration = quiet_configuration(url, report);
    configuration.users = Some(users.users.into());
    configuration.increase_rate = Some((f32::from(users.users) / STARTED_WITHIN).to_string());
    configuration.run_time = Some(format!("{}s", users.seconds));
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    if users.corrected {
        configuration.co_mitigation = Some(GooseCoordinatedOmissionMitigation::Average);
    }
    configuration
}
