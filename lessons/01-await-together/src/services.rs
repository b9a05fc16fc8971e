//! The three services that the dashboard asks. They stand for any calls that do not need each other's answers.

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use lab::{Backend, Counter, Gauge, Probes};
use serde::Serialize;

/// The gauge of the calls that are under way at the same time.
pub(crate) const AT_ONCE: &str = "calls at once";

/// The counter of the calls that were made.
pub(crate) const MADE: &str = "calls made";

/// A client of the three services. Cloning it is cheap, like cloning a connection pool.
#[derive(Clone, Debug)]
pub struct Services {
    customer: Service,
    orders: Service,
    offers: Service,
}

/// How a service behaves in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It answers after a while.
    Answers,
    /// It answers after a while that it cannot.
    Refuses,
    /// It takes the call and never says anything.
    Hangs,
}

/// A service that could not answer. As an answer of our own it is 502: we are well, somebody behind us is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down(pub &'static str);

/// What the dashboard shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dashboard {
    /// Whose dashboard it is.
    pub customer: String,
    /// How many orders are under way; `null` if that cannot be said now.
    pub orders: Option<u64>,
    /// What is on offer today; `null` if that cannot be said now.
    pub offers: Option<Vec<String>>,
}

impl Services {
    /// Three services that answer.
    pub fn new(probes: &Probes) -> Self {
        Self::with(probes, Mood::Answers, Mood::Answers, Mood::Answers)
    }

    /// Three services that behave as told.
    pub fn with(probes: &Probes, customer: Mood, orders: Mood, offers: Mood) -> Self {
        let service = |name, mood| Service {
            name,
            mood,
            backend: probes.backend(AT_ONCE),
            at_once: probes.gauge(AT_ONCE),
            made: probes.counter(MADE),
        };
        Self {
            customer: service("customer", customer),
            orders: service("order", orders),
            offers: service("offer", offers),
        }
    }

    /// Asks the customer service for the name.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn customer(&self) -> Result<String, Down> {
        self.customer.call("Ada".to_owned()).await
    }

    /// Asks the order service how many orders are under way.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn orders(&self) -> Result<u64, Down> {
        self.orders.call(3).await
    }

    /// Asks the offer service for today's offers.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn offers(&self) -> Result<Vec<String>, Down> {
        self.offers.call(vec!["tea".to_owned(), "cups".to_owned()]).await
    }

    /// How many calls are under way now.
    pub fn under_way(&self) -> u64 {
        self.customer.at_once.now()
    }

    /// `GET /calls`: what the operators look at, the number of calls under way.
    pub fn desk(&self) -> Router {
        let services = self.clone();
        Router::new().route("/calls", get(move || async move { Json(services.settled().await) }))
    }

    /// The number of calls under way, once every task that was told to end has had its turn.
    async fn settled(&self) -> u64 {
        // An aborted task is dropped when a worker comes to it. On one worker that is before this task comes round again.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.under_way()
    }
}

#[derive(Clone, Debug)]
struct Service {
    name: &'static str,
    mood: Mood,
    backend: Backend,
    at_once: Gauge,
    made: Counter,
}

impl Service {
    async fn call<T>(&self, answer: T) -> Result<T, Down> {
        self.made.add_one();
        match self.mood {
            Mood::Answers => {
                self.backend.call().await;
                Ok(answer)
            }
            Mood::Refuses => {
                self.backend.call().await;
                Err(Down(self.name))
            }
            Mood::Hangs => {
                let _under_way = self.at_once.enter();
                std::future::pending().await
            }
        }
    }
}

impl IntoResponse for Down {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, format!("the {} service is down", self.0)).into_response()
    }
}
