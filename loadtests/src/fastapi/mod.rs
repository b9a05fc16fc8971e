//! The guide's own system beside ours, pair by pair, in one run: FastAPI under uvicorn, axum, the reference API, bare hyper.
//!
//! Each server has one core to itself and is asked by the same generator on another. What is compared is a whole answer to
//! the same question, with the data layer that each side would use. `app.py` is written to be a fair opponent.

mod bursts;
mod python;

use std::time::Duration;

use clap::Args;
pub(crate) use python::versions;
use record::{Kind, Role, Row, Settings, Study};
use serde_json::json;

use crate::{
    Keep, Stopped,
    api::Reference,
    beside::{self, Pace, Target},
    optimised,
    process::Memory,
    progress,
    service::Service,
    wire::{Wire, Wired},
};

/// What may be chosen.
#[derive(Args)]
pub(crate) struct Ask {
    /// Rounds, 1 to 20; from 5 on the table says faster, slower or can't tell
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20))]
    rounds: u16,
    /// Milliseconds of load on each server in each round, 50 to 10000
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u16).range(50..=10_000))]
    millis: u16,
    /// Measure with this build, also if it is unoptimised: shows that it runs, and nothing about speed
    #[arg(long)]
    as_built: bool,
    #[command(flatten)]
    pub(crate) keep: Keep,
}

/// Answers are compared as they stand after the layers that every service of ours has.
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long enough password 1";

/// Measures all pairs.
///
/// # Errors
/// If there is no Python, or if a server cannot be started or does not answer.
pub(crate) fn measure(ask: &Ask) -> Result<Vec<Study>, Stopped> {
    // First what needs no minutes: without Python nothing has to be built.
    let python = python::environment()?;
    optimised::instead_of_this(ask.as_built)?;
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for the databases: {error}"))?;
    let reference = Reference::start(folder.path(), "warn")?;
    let (access, owner) = reference.account(EMAIL, PASSWORD)?;
    reference.items(&access, 100)?;
    let peer = python.serve(folder.path())?;
    let peer_access = log_in(&peer)?;
    let axum = Service::of_this_program(&["twin", "--what", "axum"])?;
    let hyper = Service::of_this_program(&["twin", "--what", "hyper"])?;
    let database = reference.database().display().to_string();
    let sqlite =
        Service::of_this_program(&["twin", "--what", "sqlite", "--database", &database, "--owner", &owner])?;

    let pace = Pace { rounds: ask.rounds, lasts: Duration::from_millis(ask.millis.into()), connections: 32 };
    let bearer = format!("Bearer {access}");
    let ours = |method: &str, path: &str, body: Option<&serde_json::Value>| {
        Wired::new(reference.service.address, method, path, &[("Authorization", &bearer)], body)
    };
    let peer_bearer = format!("Bearer {peer_access}");
    let theirs = |method: &str, path: &str, body: Option<&serde_json::Value>| {
        Wired::new(peer.address, method, path, &[("Authorization", &peer_bearer)], body)
    };
    let api = &reference.service;
    let target = |name, role, service, request| Target { name, role, service, request };
    let mut studies = Vec::new();

    let targets = [
        target("FastAPI", Role::Peer, &peer, Wired::get(peer.address, "/hello")),
        target("FastAPI, def", Role::Peer, &peer, Wired::get(peer.address, "/hello-def")),
        target("axum", Role::Ours, &axum, Wired::get(axum.address, "/hello")),
        target("reference API", Role::Ours, api, Wired::get(api.address, "/health/live")),
        target("bare hyper", Role::Limit, &hyper, Wired::get(hyper.address, "/hello")),
    ];
    studies.push(beside::measure(study("hello", "Plain JSON"), &targets, pace)?);

    let body = json!({
        "username": "johndoe42", "email": "john.doe@example.com", "password": "Passw0rdX", "age": 34,
        "address": { "street": "123 Main St", "city": "New York", "country": "USA" },
    });
    let post = |address, path| Wired::new(address, "POST", path, &[], Some(&body));
    let targets = [
        target("FastAPI", Role::Peer, &peer, post(peer.address, "/sign-ups")),
        target("axum", Role::Ours, &axum, post(axum.address, "/sign-ups")),
    ];
    studies.push(beside::measure(study("validate", "A nested body, validated"), &targets, pace)?);

    let targets = [
        target("FastAPI", Role::Peer, &peer, theirs("GET", "/me", None)),
        target("reference API", Role::Ours, api, ours("GET", "/api/v1/users/me", None)),
    ];
    studies.push(beside::measure(
        study("me", "The account behind a token, read from SQLite"),
        &targets,
        pace,
    )?);

    let targets = [
        target("FastAPI", Role::Peer, &peer, theirs("GET", "/items?limit=100", None)),
        target("FastAPI, by hand", Role::Peer, &peer, theirs("GET", "/items-by-hand", None)),
        target("reference API", Role::Ours, api, ours("GET", "/api/v1/items?limit=100", None)),
        target("bare SQLite loop", Role::Limit, &sqlite, Wired::get(sqlite.address, "/")),
    ];
    studies.push(beside::measure(study("list", "A hundred rows from SQLite"), &targets, pace)?);

    let item = json!({ "title": "Umbrella", "description": "Black, one spoke bent" });
    let targets = [
        target("FastAPI", Role::Peer, &peer, theirs("POST", "/items", Some(&item))),
        target("reference API", Role::Ours, api, ours("POST", "/api/v1/items", Some(&item))),
    ];
    studies.push(beside::measure(study("create", "A row, on disk before the answer"), &targets, pace)?);

    let login = json!({ "email": EMAIL, "password": PASSWORD });
    let post = |address, path| Wired::new(address, "POST", path, &[], Some(&login));
    let targets = [
        target("FastAPI", Role::Peer, &peer, post(peer.address, "/login")),
        target("reference API", Role::Ours, api, post(api.address, "/api/v1/auth/login")),
    ];
    let few = Pace { connections: 8, lasts: pace.lasts.max(Duration::from_millis(500)), ..pace };
    studies.push(beside::measure(study("login", "A login with argon2id"), &targets, few)?);

    studies.push(memory([("FastAPI", Role::Peer, &peer), ("reference API", Role::Ours, api)]));
    studies.extend(bursts::measure(&peer, &axum, ask.rounds.min(3))?);
    studies.push(python.connections()?);
    Ok(studies)
}

fn study(name: &str, question: &str) -> Study {
    Study {
        id: format!("fastapi-{name}"),
        kind: Kind::FastApi,
        lesson: None,
        question: question.to_owned(),
        settings: Settings::new(),
        rows: Vec::new(),
        notes: Vec::new(),
    }
}

/// What each holds after all that was asked of it.
fn memory(servers: [(&str, Role, &Service); 2]) -> Study {
    let mut study = study("memory", "Resident memory after all of the above");
    for (name, role, service) in servers {
        if let Some(memory) = Memory::of(service.pid()) {
            let measures = memory.measures().to_vec();
            study.rows.push(Row { name: name.to_owned(), role, at: None, measures });
        }
    }
    study
}

fn log_in(peer: &Service) -> Result<String, String> {
    progress::say("FastAPI answers");
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let tokens = ask_once(peer, &Wired::new(peer.address, "POST", "/login", &[], Some(&body)))?;
    let token = tokens["access_token"].as_str().map(str::to_owned);
    token.ok_or_else(|| format!("FastAPI's login answered {tokens}"))
}

/// One request outside of any measurement, and its answer as JSON.
///
/// # Errors
/// If it is not answered, or not with 2xx.
pub(crate) fn ask_once(service: &Service, request: &Wired) -> Result<serde_json::Value, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async {
        let mut wire = Wire::to(service.address);
        let answer = wire.ask(request).await.map_err(|error| format!("no answer: {error}"))?;
        let body = wire.body(&answer);
        if !(200..300).contains(&answer.status) {
            return Err(format!("answered {}: {}", answer.status, String::from_utf8_lossy(body)));
        }
        Ok(serde_json::from_slice(body).unwrap_or_default())
    })
}
