//! The service under test, sound or with one defect. A test that is worth its time tells the two apart.

use std::{convert::Infallible, future::ready, io, net::SocketAddr, sync::Arc};

use axum::{
    BoxError, Extension, Json, Router,
    error_handling::HandleErrorLayer,
    extract::{ConnectInfo, State},
    http::StatusCode,
    routing::{get, post},
    serve::IncomingStream,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::{
    ServiceBuilder,
    limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer},
    service_fn,
};

/// How many reports are made at the same time; one more is answered with 503.
pub const MOST_REPORTS: usize = 4;

/// What is wrong with a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The quantity is left out of the price.
    WrongTotal,
    /// The limit on reports is counted for each connection by itself.
    LimitPerConnection,
    /// The server does not hand the peer's address to the handlers.
    NoPeerAddress,
    /// `total_cents` is called `total`.
    RenamedField,
    /// The span of a login records all arguments of its function.
    PasswordInSpan,
}

impl Defect {
    /// All of them, with the name that the experiment gives them.
    pub const ALL: [(&'static str, Self); 5] = [
        ("wrong-total", Self::WrongTotal),
        ("limit-per-connection", Self::LimitPerConnection),
        ("no-peer-address", Self::NoPeerAddress),
        ("renamed-field", Self::RenamedField),
        ("password-in-span", Self::PasswordInSpan),
    ];
}

/// One build of the service. Clones are the same build.
#[derive(Clone, Debug)]
pub struct Shop {
    defect: Option<Defect>,
    reports: Reports,
}

/// The price of some pieces of one thing.
#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Quote {
    /// What they cost. The alias came with the new name, so that the old answers can still be read.
    #[serde(alias = "total")]
    pub total_cents: u64,
}

/// What `POST /quotes` takes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Wanted {
    /// What one piece costs.
    pub cents: u64,
    /// How many.
    pub pieces: u64,
}

/// What `POST /login` takes.
#[derive(Debug, Deserialize)]
pub struct Login {
    /// Whose account.
    pub name: String,
    /// Their password.
    pub password: String,
}

/// The reports that are being made. A test decides when they end, so that no clock has to.
#[derive(Clone, Debug)]
pub struct Reports {
    begun: Arc<Semaphore>,
    may_end: Arc<Semaphore>,
}

impl Reports {
    /// Waits until that many more reports have begun.
    ///
    /// # Panics
    /// Never: the semaphore is not closed.
    #[expect(clippy::expect_used, reason = "nobody closes the semaphore")]
    pub async fn begun(&self, reports: u32) {
        self.begun.acquire_many(reports).await.expect("it is open").forget();
    }

    /// Lets that many reports end.
    pub fn end(&self, reports: usize) {
        self.may_end.add_permits(reports);
    }

    #[expect(clippy::expect_used, reason = "nobody closes the semaphore")]
    async fn make(&self) {
        self.begun.add_permits(1);
        self.may_end.acquire().await.expect("it is open").forget();
    }
}

impl Shop {
    /// A build without a defect.
    pub fn sound() -> Self {
        Self::build(None)
    }

    /// A build with one.
    pub fn with(defect: Defect) -> Self {
        Self::build(Some(defect))
    }

    fn build(defect: Option<Defect>) -> Self {
        let reports = Reports { begun: Arc::new(Semaphore::new(0)), may_end: Arc::new(Semaphore::new(0)) };
        Self { defect, reports }
    }

    /// The build of that name in [`Defect::ALL`]; `sound` is the one without a defect.
    pub fn named(name: &str) -> Option<Self> {
        if name == "sound" {
            return Some(Self::sound());
        }
        Defect::ALL.iter().find(|(known, _)| *known == name).map(|(_, defect)| Self::with(*defect))
    }

    /// The reports that its handlers are making.
    pub fn reports(&self) -> &Reports {
        &self.reports
    }

    /// The routes and layers.
    pub fn router(&self) -> Router {
        let full = async |_: BoxError| StatusCode::SERVICE_UNAVAILABLE;
        let shed = ServiceBuilder::new().layer(HandleErrorLayer::new(full)).load_shed();
        let shop = self.clone();
        let report = Router::new().route("/report", get(move || report(shop.clone())));
        // The same words but one. `ConcurrencyLimitLayer` makes a new limit whenever the routes are turned into a service.
        let report = if self.defect == Some(Defect::LimitPerConnection) {
            report.layer(shed.layer(ConcurrencyLimitLayer::new(MOST_REPORTS)))
        } else {
            report.layer(shed.layer(GlobalConcurrencyLimitLayer::new(MOST_REPORTS)))
        };
        let login =
            if self.defect == Some(Defect::PasswordInSpan) { post(login_in_span) } else { post(login) };
        Router::new()
            .route("/quotes", post(quote))
            .route("/peer", get(peer))
            .route("/login", login)
            .with_state(self.clone())
            .merge(report)
    }

    /// Serves it, as `main` does.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let router = self.router();
        if self.defect == Some(Defect::NoPeerAddress) {
            return axum::serve(listener, router).await;
        }
        if self.defect == Some(Defect::LimitPerConnection) {
            // Hands on the address by hand, and so turns the routes into a service for each connection.
            let make = service_fn(move |stream: IncomingStream<'_, TcpListener>| {
                let peer = ConnectInfo(*stream.remote_addr());
                ready(Ok::<_, Infallible>(router.clone().layer(Extension(peer))))
            });
            return axum::serve(listener, make).await;
        }
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
    }
}

async fn quote(State(shop): State<Shop>, Json(Wanted { cents, pieces }): Json<Wanted>) -> Json<Value> {
    let pieces = if shop.defect == Some(Defect::WrongTotal) { 1 } else { pieces };
    let total = cents.saturating_mul(pieces);
    let name = if shop.defect == Some(Defect::RenamedField) { "total" } else { "total_cents" };
    Json(json!({ name: total }))
}

async fn report(shop: Shop) -> &'static str {
    shop.reports.make().await;
    "42 orders"
}

async fn peer(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
    address.ip().to_string()
}

// ANCHOR: password_in_span
/// The attribute records every argument of the function, with `Debug`.
#[tracing::instrument]
async fn login_in_span(Json(login): Json<Login>) -> StatusCode {
    checked(&login)
}
// ANCHOR_END: password_in_span

// ANCHOR: skip_all
/// Nothing that is not named is recorded; what is named was looked at.
#[tracing::instrument(skip_all, fields(route = "/login"))]
async fn login(Json(login): Json<Login>) -> StatusCode {
    checked(&login)
}
// ANCHOR_END: skip_all

fn checked(login: &Login) -> StatusCode {
    // Stands for a comparison with a stored hash: lesson 10.
    let known = login.name == "ada" && login.password == "a long walk in the rain";
    tracing::info!(known, "a login was checked");
    if known { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}
