//! The live labs: the catalogue, and runs whose events reach the page as they happen.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::StatusCode,
    response::{
        Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
    routing::{get, post},
};
use lab::{Controls, Ended, Event, Experiment, Report, Run};
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::{Stream, StreamExt as _, wrappers::UnboundedReceiverStream};

use super::{Site, problem::Problem};

/// So many runs go on at once. More would take each other's processor time and draw a wrong picture.
pub const MOST_RUNS: usize = 2;

/// Controls are a handful of numbers.
const MOST_BYTES: usize = 4096;

/// The runs of a site: how many may go on, and how they ended.
#[derive(Clone, Debug)]
pub struct Runs {
    free: Arc<Semaphore>,
    cancelled: Arc<AtomicU64>,
}

impl Default for Runs {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(MOST_RUNS)), cancelled: Arc::default() }
    }
}

impl Runs {
    /// How many runs were cancelled because nobody was listening any more.
    pub fn cancelled(&self) -> u64 {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Waits until no run goes on.
    pub async fn idle(&self) {
        let all = u32::try_from(MOST_RUNS).unwrap_or(u32::MAX);
        // Fails only for a closed semaphore, and nobody closes it.
        let _ = self.free.acquire_many(all).await;
    }

    fn begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    fn ended(&self, report: &Report) {
        if report.ended == Ended::Cancelled {
            self.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/lab", get(list_lessons))
        .route("/lab/{number}/{experiment}/{variant}", post(run_variant))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

async fn list_lessons() -> Json<Value> {
    Json(json!({ "lessons": catalogue::LESSONS }))
}

/// Events of a run, one `report` at the end.
async fn run_variant(
    State(site): State<Site>,
    Path((number, experiment, variant)): Path<(String, String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, Problem> {
    let lesson = catalogue::find(&number).map_err(|error| Problem::not_found(error.to_string()))?;
    let experiment = lesson.experiment(&experiment).ok_or_else(|| {
        let names = lesson.experiments.iter().map(|known| known.slug);
        Problem::not_found(unknown("experiment", &experiment, names))
    })?;
    let variant = experiment.variant(&variant).ok_or_else(|| {
        let names = experiment.variants.iter().map(|known| known.name);
        Problem::not_found(unknown("variant", &variant, names))
    })?;
    let controls =
        controls(experiment, &body.map_err(|error| Problem::new(error.status(), error.body_text()))?)?;
    let permit = site.0.runs.begin().ok_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Other labs are running; try again in a moment.")
    })?;

    let cancel = site.0.stop.child_token();
    let (events, received) = mpsc::unbounded_channel();
    let watcher = events.clone();
    let runs = site.0.runs.clone();
    let run = Run::of(lesson, experiment, *variant, controls).cancelled_by(cancel.clone()).watched_by(
        move |event| {
            // A page that has gone away is told nothing more; its run is being cancelled.
            let _ = watcher.send(sse(&event));
        },
    );
    let conduct = move || {
        let report = run.report();
        runs.ended(&report);
        let _ = events.send(named("report", &report));
        drop(permit);
    };
    // A thread of its own: a run blocks, and the site's runtime waits for nobody when the reader presses Ctrl-C.
    thread::Builder::new().name("lab-run".to_owned()).spawn(conduct).map_err(|error| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("The system gives no thread for the run: {error}."),
        )
    })?;
    // The stream owns the guard: when the page closes it, the run is cancelled.
    let guard = cancel.drop_guard();
    let stream = UnboundedReceiverStream::new(received).map(move |event| {
        let _held = &guard;
        Ok(event)
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

fn unknown<'a>(what: &str, asked: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    format!("There is no {what} `{asked}` here; there are: {}.", known.join(", "))
}

fn controls(experiment: &Experiment, body: &[u8]) -> Result<Controls, Problem> {
    let asked: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("The body is not a JSON object of controls: {error}."))
    })?;
    let unprocessable = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let mut numbers = BTreeMap::new();
    for (name, value) in &asked {
        let number = value
            .as_u64()
            .ok_or_else(|| unprocessable(format!("`{name}` is {value}; it must be a whole number.")))?;
        numbers.insert(name.as_str(), number);
    }
    experiment.controls(numbers).map_err(|error| unprocessable(error.to_string()))
}

fn sse(event: &Event) -> SseEvent {
    match event {
        Event::Lane(lane) => named("lane", lane),
        Event::Exchange(exchange) => named("exchange", exchange),
        Event::Counts(counts) => named("counts", counts),
    }
}

fn named(name: &str, data: &impl serde::Serialize) -> SseEvent {
    let event = SseEvent::default().event(name);
    // Reports hold maps with text keys only, which always become JSON; an event without data would mislead the page.
    let fallback = event.clone().data("null");
    event.json_data(data).unwrap_or(fallback)
}
