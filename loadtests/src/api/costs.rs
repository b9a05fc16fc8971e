//! Where each microsecond goes: the server's processor time for one answer, from bare hyper to a page of a hundred rows.

use std::time::Duration;

use record::{Kind, Role, Row, Settings, Study};

use super::Reference;
use crate::{
    Stopped,
    beside::{self, Pace, Target},
    fastapi::ask_once,
    process::Memory,
    service::Service,
    wire::Wired,
};

/// Measures what each promise adds, and whether a list stays as cheap when the table grows.
///
/// # Errors
/// If a service cannot be started or does not answer.
pub(super) fn measure(rounds: u16, seconds: u16) -> Result<Vec<Study>, Stopped> {
    let folder = |_| tempfile::tempdir().map_err(|error| format!("no folder for the database: {error}"));
    let (quiet, loud) = (folder(())?, folder(())?);
    let reference = Reference::start(quiet.path(), "warn")?;
    let logging = Reference::start(loud.path(), "info")?;
    let (access, owner) = reference.account("ada@example.com", "a long enough password 1")?;
    reference.items(&access, 100)?;
    let hyper = Service::of_this_program(&["twin", "--what", "hyper"])?;
    let axum = Service::of_this_program(&["twin", "--what", "axum"])?;
    let database = reference.database().display().to_string();
    let sqlite =
        Service::of_this_program(&["twin", "--what", "sqlite", "--database", &database, "--owner", &owner])?;

    let api = &reference.service;
    let plain = |service: &Service, path: &str| Wired::get(service.address, path);
    let list = |limit: u8| reference.get(&format!("/api/v1/items?limit={limit}"), &access);
    let target = |name, role, service, request| Target { name, role, service, request };
    let targets = [
        target("bare hyper", Role::Limit, &hyper, plain(&hyper, "/hello")),
        target("+ axum", Role::Baseline, &axum, plain(&axum, "/hello")),
        target("+ all layers", Role::Ours, api, plain(api, "/health/live")),
        target("+ a log line", Role::Baseline, &logging.service, plain(&logging.service, "/health/live")),
        target("token and account", Role::Baseline, api, reference.get("/api/v1/users/me", &access)),
        target("list of 1", Role::Baseline, api, list(1)),
        target("list of 20", Role::Baseline, api, list(20)),
        target("list of 100", Role::Baseline, api, list(100)),
        target("bare SQLite, 100", Role::Baseline, &sqlite, plain(&sqlite, "/")),
    ];
    let lasts = Duration::from_secs_f64(f64::from(seconds) / 10.0);
    let pace = Pace { rounds, lasts, connections: 32 };
    let study = Study {
        id: "api-costs".to_owned(),
        kind: Kind::Api,
        lesson: None,
        question: "What an answer of the reference API costs, promise by promise".to_owned(),
        settings: Settings::new(),
        rows: Vec::new(),
        notes: vec!["Each login is read from the database at each request, so that a logout holds at once; that is the step from \
                     the layers to token and account.".to_owned()],
    };
    Ok(vec![at_rest(rounds)?, beside::measure(study, &targets, pace)?, growth(pace)?])
}

/// What the service holds when it says that it is ready, in a fresh process each round.
fn at_rest(rounds: u16) -> Result<Study, Stopped> {
    let mut study = Study {
        id: "api-at-rest".to_owned(),
        kind: Kind::Api,
        lesson: None,
        question: "Resident memory of the reference API when it is ready".to_owned(),
        settings: Settings::new(),
        rows: Vec::new(),
        notes: vec!["What is not its own are pages of the program and its libraries, as far as they are mapped: every process \
                     shares them, the system can take them back, and how many there are is the kernel's choice."
            .to_owned()],
    };
    for _ in 0..rounds {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for the database: {error}"))?;
        let reference = Reference::start(folder.path(), "warn")?;
        // It listens before the last of its threads has begun; whoever asks finds all of it there.
        let ready = Wired::get(reference.service.address, "/health/ready");
        ask_once(&reference.service, &ready).map_err(|error| format!("/health/ready {error}"))?;
        if let Some(memory) = Memory::of(reference.service.pid()) {
            let measures = memory.measures().to_vec();
            let row = Row { name: "reference API".to_owned(), role: Role::Ours, at: None, measures };
            let round = Study { rows: vec![row], ..study.clone() };
            study.merge(round);
        }
    }
    Ok(study)
}

/// The same page of the same list, with ever more rows in the table: a service for each size, asked in turn, so that what drifts
/// meanwhile favours no size.
fn growth(pace: Pace) -> Result<Study, Stopped> {
    let study = Study {
        id: "api-growth".to_owned(),
        kind: Kind::Api,
        lesson: Some(4),
        question: "A page of 20 items, with ever more items in the table".to_owned(),
        settings: Settings::new(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let mut grown = Vec::new();
    for (rows, name) in [(100, "100 rows"), (10_000, "10,000 rows"), (1_000_000, "1,000,000 rows")] {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for the database: {error}"))?;
        let reference = Reference::start(folder.path(), "warn")?;
        let (access, owner) = reference.account("ada@example.com", "a long enough password 1")?;
        reference.items(&access, 20)?;
        grow(&reference, &owner, rows - 20)?;
        grown.push((name, folder, reference, access));
    }
    let targets: Vec<_> = grown
        .iter()
        .map(|(name, _, reference, access)| Target {
            name,
            role: Role::Ours,
            service: &reference.service,
            request: reference.get("/api/v1/items?limit=20", access),
        })
        .collect();
    Ok(beside::measure(study, &targets, pace)?)
}

/// Adds rows of the same owner beneath the service, in one statement: through its door a million would take an hour. Their
/// identifiers count up, as those of real rows do with time, and are lower than any of those.
fn grow(reference: &Reference, owner: &str, rows: u32) -> Result<(), String> {
    let add = || {
        let database = rusqlite::Connection::open(reference.database())?;
        database.busy_timeout(Duration::from_secs(10))?;
        // Nobody relies on these rows, and the pages that change fit into 200 MB.
        database.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")?;
        let owner = uuid::Uuid::parse_str(owner).unwrap_or_default();
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO items (id, owner_id, title, description, created_at)
             SELECT unhex(printf('%032x', i)), owner_id, title, description, created_at
             FROM n, (SELECT * FROM items WHERE owner_id = ?2 LIMIT 1)",
            rusqlite::params![rows, owner.as_bytes().as_slice()],
        )
    };
    add().map(|_| ()).map_err(|error: rusqlite::Error| format!("the table cannot grow: {error}"))
}
