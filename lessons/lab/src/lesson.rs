//! What a lesson declares: its question, its experiments, and the variants that each experiment compares.

use std::{fmt, pin::Pin};

use axum::{Router, http::Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Control, Controls, Finding, Probes, Report};

/// One lesson of the kit. Declared once, as a `static`, by the lesson's crate.
#[derive(Debug, Serialize)]
pub struct Lesson {
    /// Its place in the book, from 1.
    pub number: u8,
    /// Its folder name without the number, in kebab case.
    pub slug: &'static str,
    /// Its title, as the book prints it.
    pub title: &'static str,
    /// The interview question that it belongs to.
    pub question: Question,
    /// The sentence that everyone repeats.
    pub saying: &'static str,
    /// The experiments, the main one first.
    pub experiments: &'static [Experiment],
}

/// The six questions of a backend interview that the kit answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Question {
    /// Performance and async.
    Q20,
    /// Dependency injection.
    Q21,
    /// Authentication and authorization.
    Q22,
    /// Production structure.
    Q23,
    /// Sync versus async.
    Q24,
    /// Validation, serialization, settings.
    Q25,
}

/// One experiment: the same requests against each variant, and one judge for all of them.
#[derive(Debug, Serialize)]
pub struct Experiment {
    /// Its name in addresses and on the command line.
    pub slug: &'static str,
    /// Its title in the page.
    pub title: &'static str,
    /// What to look at while it runs, in one sentence.
    pub watch: &'static str,
    /// What the reader may turn.
    pub controls: &'static [Control],
    /// What is done to the variant.
    pub plan: Plan,
    /// A second service that the variant calls, where the experiment needs one. The lab serves it and counts its connections.
    #[serde(skip)]
    pub upstream: Option<App>,
    /// The services compared, wrong ones first.
    pub variants: &'static [Variant],
    /// Says what a right way would have shown, from the observed facts alone.
    #[serde(skip)]
    pub judge: fn(&Report) -> Vec<Finding>,
}

/// One way to write the service.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Variant {
    /// Its name in addresses and on the command line.
    pub name: &'static str,
    /// Whether it is a trap or a cure.
    pub side: Side,
    /// What the code does, in one line, as a colleague would say it in review.
    pub says: &'static str,
    /// Builds the service from the probes it is handed.
    #[serde(skip)]
    pub app: App,
}

/// Whether a variant is a trap or a cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It looks right, and a functional test passes on it.
    Wrong,
    /// It holds under the same experiment.
    Right,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wrong => "wrong",
            Self::Right => "right",
        })
    }
}

/// Builds a service. It runs inside the service's own runtime, so it may open pools and spawn tasks.
pub type App = fn(Probes) -> AppFuture;

/// The future of an [`App`].
pub type AppFuture = Pin<Box<dyn Future<Output = Router> + Send>>;

/// What an experiment does to a variant.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Plan {
    /// Requests sent at once, and when each was sent, taken up and answered.
    Timeline(Timeline),
    /// Requests sent one after the other, and what was answered.
    Transcript(Transcript),
    /// Requests sent, and what they cost: connections, statements, hashes.
    Count(Count),
}

/// Requests sent at once over connections that are already open.
#[derive(Debug, Serialize)]
pub struct Timeline {
    /// The requests.
    #[serde(skip)]
    pub requests: fn(&Controls) -> Vec<Request>,
}

/// Requests sent in turn, each built from the answers so far.
#[derive(Debug, Serialize)]
pub struct Transcript {
    /// The steps in order.
    pub steps: &'static [Step],
}

/// One step of a [`Transcript`].
#[derive(Debug, Serialize)]
pub struct Step {
    /// Who does what, in plain words.
    pub says: &'static str,
    /// Builds the request from the exchanges so far.
    #[serde(skip)]
    pub request: fn(&[crate::Exchange]) -> Request,
}

/// Requests of which only the cost matters.
#[derive(Debug, Serialize)]
pub struct Count {
    /// The requests.
    #[serde(skip)]
    pub requests: fn(&Controls) -> Vec<Request>,
    /// How many of them are on their way at the same time.
    #[serde(skip)]
    pub at_once: fn(&Controls) -> usize,
}

impl Experiment {
    /// The variant of that name.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

impl Lesson {
    /// The experiment of that name.
    pub fn experiment(&self, slug: &str) -> Option<&'static Experiment> {
        self.experiments.iter().find(|experiment| experiment.slug == slug)
    }

    /// Number and slug, as the lesson's folder is named: `18-blocking-the-runtime`.
    pub fn folder(&self) -> String {
        format!("{:02}-{}", self.number, self.slug)
    }

    /// Whether somebody means this lesson: `18`, `018`, `blocking-the-runtime` or `18-blocking-the-runtime`.
    pub fn is_called(&self, asked: &str) -> bool {
        asked.parse() == Ok(self.number) || asked == self.slug || asked == self.folder()
    }
}

/// A request that the lab sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The method, as text.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The bearer token in `Authorization`, if one is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
    /// The JSON body, if one is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl Request {
    /// A GET request.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET.to_string(), path: path.into(), bearer: None, body: None }
    }

    /// A POST request with a JSON body.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST.to_string(), path: path.into(), bearer: None, body: Some(body) }
    }

    /// The same request with `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self, token: impl Into<String>) -> Self {
        Self { bearer: Some(token.into()), ..self }
    }
}
