//! Serves a variant on a runtime of its own, so that nothing it does can slow the lab down.

use std::{io, net::SocketAddr};

use axum::{Router, serve::Listener};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::JoinError,
};

use crate::{App, Counter, Probes};

/// The header by which the lab's client says which lane a request belongs to.
pub(crate) const LANE: &str = "x-lab-lane";

/// A running service on a free port of 127.0.0.1. Dropping it stops the service and does not wait for its threads.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    _runtime: OwnRuntime,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts a service on a runtime with that many worker threads.
    ///
    /// `connections` counts what is accepted; `wrap` adds routes and layers around the service.
    ///
    /// # Errors
    /// If the service could not be built; the text says why.
    pub async fn start(
        app: App,
        probes: Probes,
        workers: usize,
        connections: Option<Counter>,
        wrap: impl FnOnce(Router) -> Router + Send + 'static,
    ) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("lab-service")
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        let handle = runtime.handle().clone();
        // From here on the runtime ends with this function, also when its caller gives up waiting.
        let runtime = OwnRuntime(Some(runtime));
        let listening = handle.spawn(async move {
            let router = wrap(app(probes).await);
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            tokio::spawn(axum::serve(CountingListener { listener, connections }, router).into_future());
            Ok::<_, String>(address)
        });
        match listening.await {
            Ok(Ok(address)) => Ok(Self { address, _runtime: runtime }),
            Ok(Err(error)) => Err(format!("no free port: {error}")),
            Err(error) => Err(format!("building it failed: {}", panic_text(error))),
        }
    }
}

/// A runtime that may be dropped anywhere, with threads that never come back.
#[derive(Debug)]
struct OwnRuntime(Option<Runtime>);

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting here would hang for as long as a service blocks its threads, which may be for ever.
            runtime.shutdown_background();
        }
    }
}

fn panic_text(error: JoinError) -> String {
    let said = error.to_string();
    let Ok(panic) = error.try_into_panic() else { return said };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map_or(said, ToString::to_string),
    }
}

/// Counts the connections that it accepts.
struct CountingListener {
    listener: TcpListener,
    connections: Option<Counter>,
}

impl Listener for CountingListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let accepted = Listener::accept(&mut self.listener).await;
        if let Some(connections) = &self.connections {
            connections.add_one();
        }
        accepted
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
