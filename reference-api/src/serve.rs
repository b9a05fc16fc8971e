//! Serving on a socket, until asked to stop: the accept loop with its limits. Read `layers.rs` next.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use axum::{Router, extract::ConnectInfo, http::Request};
use hyper::{
    body::Incoming,
    rt::{Sleep, Timer},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{app, jobs, metrics, state::AppState};
use tower::Service;

/// Why the address cannot be listened on. The text says what to do.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Another program listens there.
    #[error("port {} is taken by another program; stop that one, or choose another port with API_BIND={}:{}", .0.port(), .0.ip(), next_port(.0))]
    Taken(SocketAddr),
    /// The operating system refuses for another reason.
    #[error("cannot listen on {0}: {1}; choose another address with API_BIND")]
    Refused(SocketAddr, #[source] io::Error),
}

fn next_port(address: &SocketAddr) -> u16 {
    address.port().checked_add(1).unwrap_or(8080)
}

/// The runtime that serves: a worker for each core. With one core it is the thread that calls, and nothing is handed from thread
/// to thread. What blocks there blocks all, as it would on a single worker, and accepting as well.
///
/// # Errors
/// If the operating system gives no threads.
pub fn runtime() -> io::Result<Runtime> {
    let one_core = available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut runtime = if one_core { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    runtime.enable_all().build()
}

/// Opens the socket. Port 0 lets the operating system choose.
///
/// # Errors
/// If the address is taken or not ours.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::Taken(address),
        _ => ListenError::Refused(address, error),
    })
}

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a client may take to send the head of a request, which is also how long it may be idle between two.
    pub head: Duration,
    /// How many connections there are at once. More wait in the kernel, where they cost nothing of ours.
    pub connections: usize,
    /// How long requests in flight may take to finish after the signal to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(30), connections: 1024, grace: Duration::from_secs(10) }
    }
}

// ANCHOR: accept_loop
/// Serves until `stop` completes, then takes no more connections and finishes what is in flight, within the grace period.
///
/// axum's own `serve` sets no timer for the head of a request: a client that sends one byte and then nothing keeps its
/// connection for good, and a few thousand of them are all the file descriptors that there are.
pub async fn until(stop: impl Future<Output = ()>, listener: TcpListener, app: Router, limits: Limits) {
    let connections = TaskTracker::new();
    let stopping = CancellationToken::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut stop = pin!(stop);
    loop {
        let ((stream, peer), slot) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let connection = serve_one(stream, peer, app.clone(), limits.head, stopping.clone());
        connections.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    // ANCHOR: stop
    tracing::info!("stopping: no new connections, requests in flight are finished");
    drop(listener);
    stopping.cancel();
    connections.close();
    if tokio::time::timeout(limits.grace, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "the grace period is over; requests in flight are cut"
        );
    }
    // ANCHOR_END: stop
}

// ANCHOR_END: accept_loop

// ANCHOR: connection_cap
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> ((TcpStream, SocketAddr), Option<OwnedSemaphorePermit>) {
    // Nobody closes the semaphore, so there always is a permit in the end.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok(accepted) => return (accepted, slot),
            Err(error) => {
                // Out of file descriptors, most likely: some come back when a connection ends. A tight loop would not help.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

// ANCHOR_END: connection_cap

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    head: Duration,
    stopping: CancellationToken,
) {
    // An answer is written in one go; waiting for more to fill a packet with would only delay it.
    let _ = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.timer(OneTimer::new(head)).header_read_timeout(head);
    let service = service_fn(move |mut request: Request<Incoming>| {
        // Limits are counted by address: see `extract/client_address.rs`.
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready, so nobody has to be asked first.
        app.clone().call(request)
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        biased;
        // What a client does to its connection is no fault of ours and no line in our log.
        _ = connection.as_mut() => return,
        () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The timer of a connection, for the heads of all its requests.
///
/// hyper makes a timer for each head and drops it when the head is there. Each would be entered into the runtime's list and
/// taken off it, under a lock. This one stays on the list, and is only moved to a later moment.
struct OneTimer(Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>);

impl OneTimer {
    fn new(first: Duration) -> Self {
        Self(Arc::new(Mutex::new(Box::pin(tokio::time::sleep(first)))))
    }
}

impl Timer for OneTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { timer: Arc::clone(&self.0), until: until.into() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// One use of the timer: until the head is there, or that moment.
struct Until {
    timer: Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>,
    until: tokio::time::Instant,
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // A connection is polled by one task at a time: nobody else waits for this lock.
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        if timer.deadline() != self.until {
            timer.as_mut().reset(self.until);
        }
        timer.as_mut().poll(context)
    }
}

impl Sleep for Until {}

// ANCHOR: graceful_shutdown
/// The whole service on that socket, until `stop` completes: requests, WebSockets, jobs, metrics, and the end of all four.
///
/// First nothing new is taken, then what is in flight is finished: requests get their answer, sockets a goodbye, jobs their
/// end. The database goes last, because all of them need it.
pub async fn run(
    stop: impl Future<Output = ()>,
    listener: TcpListener,
    metrics: Option<TcpListener>,
    state: AppState,
) {
    let stopping = CancellationToken::new();
    let stopped = || stopping.clone().cancelled_owned();
    let announce = async {
        stop.await;
        stopping.cancel();
    };
    let sockets = async {
        stopped().await;
        state.close_sockets().await;
    };
    let metrics = async {
        if let Some(listener) = metrics {
            until(stopped(), listener, metrics::router(state.clone()), Limits::default()).await;
        }
    };
    let requests = until(stopped(), listener, app(state.clone()), Limits::default());
    tokio::join!(announce, requests, sockets, metrics, jobs::work(state.clone(), stopped()));
    // A request that was cut at the end of the grace period may still hold a connection: it is not waited for a second time.
    let _ = tokio::time::timeout(Duration::from_secs(2), state.close()).await;
}
// ANCHOR_END: graceful_shutdown

/// Completes on Ctrl-C, and on SIGTERM, which is how an orchestrator asks. Both are listened for from the call on, and not only
/// when it is awaited: whoever has read that the service listens may ask it to stop at once.
pub fn stop_signal() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let [interrupt, terminate] = {
        use tokio::signal::unix::{SignalKind, signal};
        [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| {
            let signal = signal(kind);
            async move {
                match signal {
                    Ok(mut signal) => drop(signal.recv().await),
                    // Without a handler the signal ends the process by itself.
                    Err(_) => std::future::pending().await,
                }
            }
        })
    };
    #[cfg(not(unix))]
    let (interrupt, terminate) = (
        async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        },
        std::future::pending::<()>(),
    );
    async {
        tokio::select! {
            () = interrupt => (),
            () = terminate => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::Notify,
        task::JoinHandle,
    };

    use super::*;

    const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
    const WHOLE_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// A server with one route, which says when a request has arrived and answers when it may.
    struct Server {
        address: SocketAddr,
        arrived: Arc<Notify>,
        go_on: Arc<Notify>,
        stop: Arc<Notify>,
        ended: JoinHandle<()>,
    }

    impl Server {
        async fn start(limits: Limits) -> Self {
            let [arrived, go_on, stop] = [(); 3].map(|()| Arc::new(Notify::new()));
            let handler = {
                let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
                move || async move {
                    arrived.notify_one();
                    go_on.notified().await;
                    "finished"
                }
            };
            let listener = listen(ANYWHERE).await.unwrap();
            let address = listener.local_addr().unwrap();
            let asked = Arc::clone(&stop);
            let app = Router::new().route("/", get(handler));
            let ended = tokio::spawn(async move { until(asked.notified(), listener, app, limits).await });
            Self { address, arrived, go_on, stop, ended }
        }

        async fn send(&self, bytes: &[u8]) -> TcpStream {
            let mut client = TcpStream::connect(self.address).await.unwrap();
            client.write_all(bytes).await.unwrap();
            client
        }
    }

    async fn read(mut client: TcpStream) -> String {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let first = listen(ANYWHERE).await.unwrap();
        let address = first.local_addr().unwrap();

        let error = listen(address).await.unwrap_err().to_string();

        assert!(error.contains(&format!("port {} is taken", address.port())), "{error}");
        assert!(error.contains("API_BIND="), "{error}");
    }

    #[tokio::test]
    async fn p23_a_request_in_flight_is_finished_before_the_server_stops() {
        let server = Server::start(Limits { grace: Duration::from_secs(600), ..Limits::default() }).await;
        let client = server.send(WHOLE_REQUEST).await;
        server.arrived.notified().await;

        server.stop.notify_one();
        server.go_on.notify_one();

        assert!(read(client).await.ends_with("finished"));
        server.ended.await.unwrap();
    }

    #[tokio::test]
    async fn p23_a_request_that_never_ends_does_not_keep_the_server_beyond_the_grace_period() {
        let server = Server::start(Limits { grace: Duration::ZERO, ..Limits::default() }).await;
        let _client = server.send(WHOLE_REQUEST).await;
        server.arrived.notified().await;

        server.stop.notify_one();

        server.ended.await.unwrap();
    }

    #[tokio::test]
    async fn p23_an_idle_connection_does_not_hold_up_the_stop() {
        let server = Server::start(Limits { grace: Duration::from_secs(600), ..Limits::default() }).await;
        server.go_on.notify_one();
        let mut client = server.send(WHOLE_REQUEST).await;
        // The answer's first byte: the connection is open, and idle from now on.
        client.read_u8().await.unwrap();

        server.stop.notify_one();

        server.ended.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_stalls_in_the_head_of_its_request_is_cut() {
        let server = Server::start(Limits { head: Duration::from_millis(20), ..Limits::default() }).await;

        let stalled = server.send(b"GET / HTTP/1.1\r\nhost: ").await;

        // Reading ends only because the server ends the connection. Without our limit hyper would do it after 30 s.
        let answer = tokio::time::timeout(Duration::from_secs(10), read(stalled)).await.expect("cut in time");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_asks_once_and_then_stalls_is_cut() {
        let server = Server::start(Limits { head: Duration::from_millis(20), ..Limits::default() }).await;
        server.go_on.notify_one();

        let client = server.send(WHOLE_REQUEST).await;

        let answer = tokio::time::timeout(Duration::from_secs(10), read(client)).await.expect("cut in time");
        assert!(answer.ends_with("finished"), "{answer}");
    }

    #[tokio::test]
    async fn a_request_that_takes_longer_than_its_head_might_have_is_not_cut() {
        let server = Server::start(Limits { head: Duration::from_millis(20), ..Limits::default() }).await;
        let client = server.send(WHOLE_REQUEST).await;
        server.arrived.notified().await;

        // Another client, later than the first, is cut: so the first one's time is over as well.
        let stalled = server.send(b"GET / HTTP/1.1\r\nhost: ").await;
        tokio::time::timeout(Duration::from_secs(10), read(stalled)).await.expect("cut in time");
        server.go_on.notify_one();

        let answer =
            tokio::time::timeout(Duration::from_secs(10), read(client)).await.expect("answered in time");
        assert!(answer.ends_with("finished"), "{answer}");
    }

    #[tokio::test]
    async fn a_connection_beyond_the_cap_is_served_when_another_ends() {
        let server = Server::start(Limits { connections: 1, ..Limits::default() }).await;
        let first = server.send(WHOLE_REQUEST).await;
        server.arrived.notified().await;
        let second = server.send(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;

        drop(first);
        server.go_on.notify_one();
        server.arrived.notified().await;
        server.go_on.notify_one();

        assert!(read(second).await.ends_with("finished"));
    }
}
