//! Users on their journeys through the reference API, played by goose, with a stated mix, a ramp, and lines that must hold.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use goose::{
    GooseAttack, GooseError,
    goose::{GooseMethod, GooseRequest, GooseUser, Scenario, Transaction, TransactionResult},
    metrics::GooseMetrics,
};
use record::{Kind, Measure, Role, Row, Settings, Study, Unit};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::{Ask, Reference};
use crate::{
    Stopped,
    attack::{TIMEOUT, be_quiet, quiet_configuration},
    cores, lesson, progress,
};

/// A transaction of goose that does nothing but call this function.
macro_rules! step {
    ($function:ident) => {
        Transaction::new(Arc::new(|user: &mut GooseUser| Box::pin($function(user))))
    };
}

/// Of ten users: seven read, two write, one comes, looks around and goes.
const MIX: [(&str, usize); 3] = [("readers", 7), ("writers", 2), ("newcomers", 1)];

/// The lines: how long 99 of 100 answers may take, in milliseconds. Logins and registrations hash a password, one at a time for
/// each core, so they queue behind each other; nothing else may queue behind them.
const LINES: [(&str, f64); 7] = [
    ("list", 100.0),
    ("get", 100.0),
    ("create", 250.0),
    ("refresh", 250.0),
    ("logout", 250.0),
    ("login", 3000.0),
    ("register", 3000.0),
];

/// Numbers the accounts of a run.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What a user keeps between two requests.
#[derive(Clone, Default)]
struct Visitor {
    access: String,
    refresh: String,
    item: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

/// Lets the users walk, and checks the lines.
///
/// # Errors
/// If the service cannot be started, or if a line did not hold; the text names the line.
pub(super) fn measure(ask: &Ask) -> Result<Study, Stopped> {
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for the database: {error}"))?;
    let own = if ask.host.is_none() { Some(Reference::start(folder.path(), "warn")?) } else { None };
    let url = match (&own, &ask.host) {
        (Some(own), _) => own.service.url(),
        (None, Some(host)) => host.trim_end_matches('/').to_owned(),
        (None, None) => return Err("no service to load".to_owned().into()),
    };
    be_quiet();
    progress::say(&format!("{} users on their journeys, {} s", ask.users, ask.seconds));
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the users: {error}"))?;
    let metrics = runtime.block_on(conduct(&url, ask)).map_err(|error| error.to_string())?;
    if goose::is_killswitch_triggered() {
        return Err(Stopped::Interrupted);
    }
    let study = study(&metrics, ask);
    let broken = broken(&study, own.is_some());
    if broken.is_empty() {
        return Ok(study);
    }
    print!("{}", record::table(&study, record::Noise::default()));
    Err(Stopped::Failed(format!("lines that did not hold: {}.", broken.join("; "))))
}

async fn conduct(url: &str, ask: &Ask) -> Result<GooseMetrics, GooseError> {
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
    let enter = move |user: &mut GooseUser| {
        user.client = client.clone();
        user.set_session_data(Visitor::default());
    };
    let scenario = |name: &'static str, weight| -> Result<Scenario, GooseError> {
        let enter = enter.clone();
        let enter = Transaction::new(Arc::new(move |user: &mut GooseUser| {
            enter(user);
            Box::pin(async { Ok(()) })
        }));
        Ok(Scenario::new(name).set_weight(weight)?.register_transaction(enter.set_on_start()))
    };
    let [(readers, seven), (writers, two), (newcomers, one)] = MIX;
    let mut configuration = quiet_configuration(url, lesson::kept("api-journeys").as_deref());
    configuration.users = Some(ask.users.into());
    // The ramp: all users have come after a quarter of the time.
    configuration.increase_rate = Some((f32::from(ask.users) / (f32::from(ask.seconds) / 4.0)).to_string());
    configuration.run_time = Some(format!("{}s", ask.seconds));
    GooseAttack::initialize_with_config(configuration)?
        .register_scenario(
            scenario(readers, seven)?
                .register_transaction(step!(join).set_on_start())
                .register_transaction(step!(create).set_on_start())
                .register_transaction(step!(list).set_weight(6)?)
                .register_transaction(step!(get).set_weight(3)?)
                .register_transaction(step!(pause)),
        )
        .register_scenario(
            scenario(writers, two)?
                .register_transaction(step!(join).set_on_start())
                .register_transaction(step!(create))
                .register_transaction(step!(pause)),
        )
        .register_scenario(
            scenario(newcomers, one)?
                .register_transaction(step!(join))
                .register_transaction(step!(list))
                .register_transaction(step!(create))
                .register_transaction(step!(get))
                .register_transaction(step!(refresh))
                .register_transaction(step!(list))
                .register_transaction(step!(logout)),
        )
        .execute()
        .await
}

/// A new account, and its first login.
async fn join(user: &mut GooseUser) -> TransactionResult {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let email = format!("load-{process}-{number}@example.com");
    let account = json!({ "email": email, "name": "Load", "password": PASSWORD });
    send(user, "register", GooseMethod::Post, "/api/v1/auth/register", Some(account), false).await?;
    let login = json!({ "email": email, "password": PASSWORD });
    let tokens = send(user, "login", GooseMethod::Post, "/api/v1/auth/login", Some(login), false).await?;
    let Ok(tokens) = serde_json::from_value::<Tokens>(tokens) else { return Ok(()) };
    let (access, refresh) = (tokens.access_token, tokens.refresh_token);
    user.set_session_data(Visitor { access, refresh, item: None });
    Ok(())
}

const PASSWORD: &str = "a long enough password 1";

async fn list(user: &mut GooseUser) -> TransactionResult {
    send(user, "list", GooseMethod::Get, "/api/v1/items?limit=20", None, true).await.map(drop)
}

async fn get(user: &mut GooseUser) -> TransactionResult {
    let Some(item) = visitor(user).item else { return Ok(()) };
    send(user, "get", GooseMethod::Get, &format!("/api/v1/items/{item}"), None, true).await.map(drop)
}

async fn create(user: &mut GooseUser) -> TransactionResult {
    let item = json!({ "title": "Umbrella", "description": "Black, one spoke bent" });
    let made = send(user, "create", GooseMethod::Post, "/api/v1/items", Some(item), true).await?;
    let item = made["id"].as_str().map(str::to_owned);
    user.set_session_data(Visitor { item, ..visitor(user) });
    Ok(())
}

async fn refresh(user: &mut GooseUser) -> TransactionResult {
    let before = visitor(user);
    let body = json!({ "refresh_token": before.refresh });
    let tokens = send(user, "refresh", GooseMethod::Post, "/api/v1/auth/refresh", Some(body), false).await?;
    if let Ok(tokens) = serde_json::from_value::<Tokens>(tokens) {
        user.set_session_data(Visitor {
            access: tokens.access_token,
            refresh: tokens.refresh_token,
            ..before
        });
    }
    Ok(())
}

async fn logout(user: &mut GooseUser) -> TransactionResult {
    let body = json!({ "refresh_token": visitor(user).refresh });
    send(user, "logout", GooseMethod::Post, "/api/v1/auth/logout", Some(body), true).await.map(drop)
}

/// Nobody clicks without a pause.
async fn pause(_: &mut GooseUser) -> TransactionResult {
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

fn visitor(user: &GooseUser) -> Visitor {
    user.get_session_data::<Visitor>().cloned().unwrap_or_default()
}

/// One request under a name of its own. Its answer as JSON, `null` if it has none.
async fn send(
    user: &mut GooseUser,
    name: &str,
    method: GooseMethod,
    path: &str,
    body: Option<Value>,
    signed: bool,
) -> Result<Value, Box<goose::goose::TransactionError>> {
    let mut builder = user.get_request_builder(&method, path)?;
    if signed {
        builder = builder.bearer_auth(visitor(user).access);
    }
    if let Some(body) = &body {
        builder = builder.json(body);
    }
    let request = GooseRequest::builder().method(method).name(name).set_request_builder(builder).build();
    let outcome = user.request(request).await?;
    // A failure is counted by goose, and named in the table.
    let Ok(answer) = outcome.response else { return Ok(Value::Null) };
    Ok(answer.json().await.unwrap_or_default())
}

fn study(metrics: &GooseMetrics, ask: &Ask) -> Study {
    let mix: Vec<_> = MIX.iter().map(|(name, weight)| format!("{weight} {name}")).collect();
    let mut rows = Vec::new();
    for (name, line) in LINES {
        let Some(seen) = metrics.requests.values().find(|request| request.path == name) else { continue };
        let percentile =
            |share| Duration::from_micros(seen.raw_data.percentile_us(share)).as_secs_f64() * 1e3;
        #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
        let count = |count: usize| count as f64;
        rows.push(Row {
            name: name.to_owned(),
            role: Role::Ours,
            at: None,
            measures: vec![
                Measure::one("p99", Unit::Milliseconds, percentile(0.99)),
                Measure::one("line", Unit::Milliseconds, line),
                Measure::one("p50", Unit::Milliseconds, percentile(0.50)),
                Measure::one("answers", Unit::Count, count(seen.success_count)),
                Measure::one("failed", Unit::Count, count(seen.fail_count)),
            ],
        });
    }
    Study {
        id: "api-journeys".to_owned(),
        kind: Kind::Api,
        lesson: None,
        question: "Users on their journeys through the reference API".to_owned(),
        settings: Settings::from([
            ("users".to_owned(), ask.users.to_string()),
            ("seconds".to_owned(), ask.seconds.to_string()),
            ("mix".to_owned(), mix.join(", ")),
            ("ramp".to_owned(), "a quarter of the time".to_owned()),
            ("cores".to_owned(), cores::divided().to_owned()),
        ]),
        rows,
        notes: vec![
            "Each row must be without failures and below its line, or the command ends with 1.".to_owned(),
        ],
    }
}

/// The lines that did not hold. An unoptimised build hashes and answers slowly; there only failures count.
fn broken(study: &Study, own: bool) -> Vec<String> {
    let mut broken = Vec::new();
    for row in &study.rows {
        let of = |name| row.measure(name).map_or(0.0, |measure| record::median(&measure.samples));
        if of("failed") > 0.0 {
            broken.push(format!("{} {} failed", of("failed"), row.name));
        }
        if of("p99") > of("line") && (!cfg!(debug_assertions) || !own) {
            broken.push(format!("{} took {} ms at the 99th percentile", row.name, record::number(of("p99"))));
        }
    }
    if study.rows.len() < LINES.len() {
        broken.push("not every kind of request was sent; give it more --seconds".to_owned());
    }
    broken
}
