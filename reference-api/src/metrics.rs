//! Metrics in the text format of OpenMetrics, for Prometheus to collect.
//!
//! They are served on an address of their own (`metrics.bind`): what they tell is for us and not for clients, and a port that is
//! not let through needs no password. The registry belongs to the state; two services in one process count apart.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tokio::time::Instant;

use crate::{db::Executor, error::ApiError, state::AppState};

/// Upper ends of the buckets, in seconds: from an answer out of memory to one that is cut at its deadline.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

// ANCHOR: metric_labels
/// What requests are counted by. The route and not the address: an address for each item would be a series for each item.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: Template,
    status: u16,
}
// ANCHOR_END: metric_labels

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: Template,
}

/// The route as the router names it; `None` where there was none. Shared with the router, not copied for each request.
#[derive(Clone, Debug)]
struct Template(Option<MatchedPath>);

impl Template {
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or("none", MatchedPath::as_str)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Template {}

impl Hash for Template {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Template {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    shed: Counter,
    jobs: Family<Outcome, Counter>,
    jobs_kept: Family<Outcome, Gauge>,
    connections: Family<Outcome, Gauge>,
    statements: Gauge,
    sockets: Gauge,
    hashes: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            in_flight: Gauge::default(),
            shed: Counter::default(),
            jobs: Family::default(),
            jobs_kept: Family::default(),
            connections: Family::default(),
            statements: Gauge::default(),
            sockets: Gauge::default(),
            hashes: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "http_request_seconds",
            "Time from the head to the answer",
            metrics.seconds.clone(),
        );
        registry.register("http_requests_in_flight", "Requests being answered", metrics.in_flight.clone());
        registry.register(
            "http_requests_shed",
            "Requests refused because too many were in flight",
            metrics.shed.clone(),
        );
        registry.register("jobs_attempted", "Attempts at jobs, by how they ended", metrics.jobs.clone());
        registry.register("jobs", "Jobs that are not done", metrics.jobs_kept.clone());
        registry.register("db_connections", "Connections of the database pool", metrics.connections.clone());
        registry.register(
            "db_statements_sent",
            "Statements sent since the start",
            metrics.statements.clone(),
        );
        registry.register("sockets", "Open WebSockets", metrics.sockets.clone());
        registry.register(
            "password_hashes_computed",
            "Password hashes since the start",
            metrics.hashes.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// An attempt at a job has ended.
    pub(crate) fn job(&self, done: bool) {
        self.jobs.get_or_create(&Outcome { outcome: if done { "done" } else { "failed" } }).inc();
    }

    /// A request was refused because too many were in flight.
    pub(crate) fn shed(&self) {
        self.shed.inc();
    }

    /// A request of that route was answered.
    fn answered(&self, method: &'static str, route: Template, status: u16, took: Duration) {
        let route = Route { route };
        self.seconds.get_or_create(&route).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { method, route: route.route, status }).inc();
    }
}

/// A request that is being answered. It is taken off the gauge also when it is dropped where it waits.
pub(crate) struct Counted {
    metrics: Arc<Metrics>,
    method: &'static str,
    route: Template,
    begun: Instant,
}

impl Metrics {
    /// A request begins.
    pub(crate) fn begin(self: &Arc<Self>, request: &Request) -> Counted {
        let method = match *request.method() {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            // Whatever else a client writes would make series.
            _ => "other",
        };
        self.in_flight.inc();
        let route = Template(request.extensions().get::<MatchedPath>().cloned());
        Counted { metrics: Arc::clone(self), method, route, begun: Instant::now() }
    }
}

impl Counted {
    /// It was answered. Gives how long that took.
    pub(crate) fn end(self, status: StatusCode) -> Duration {
        let took = self.begun.elapsed();
        self.metrics.answered(self.method, self.route.clone(), status.as_u16(), took);
        took
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}

/// The routes for Prometheus.
pub fn router(state: AppState) -> Router {
    Router::new().route("/metrics", get(get_metrics)).with_state(state)
}

async fn get_metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let metrics = &state.metrics;
    let (open, idle) = state.db.connections();
    let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    metrics.connections.get_or_create(&Outcome { outcome: "open" }).set(i64::from(open));
    metrics.connections.get_or_create(&Outcome { outcome: "idle" }).set(gauge(idle));
    metrics.statements.set(state.db.statements().try_into().unwrap_or(i64::MAX));
    metrics.hashes.set(state.passwords.computed().try_into().unwrap_or(i64::MAX));
    metrics.sockets.set(gauge(state.live.open()));
    // A database that is gone must not take the other figures along.
    let kept: Result<(i64, i64), _> =
        state.db.query("SELECT count(*), count(parked_at) FROM jobs").fetch_one().await;
    if let Ok((all, parked)) = kept {
        metrics.jobs_kept.get_or_create(&Outcome { outcome: "waiting" }).set(all - parked);
        metrics.jobs_kept.get_or_create(&Outcome { outcome: "parked" }).set(parked);
    }
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(ApiError::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
