//! Serving on a socket, until asked to stop.
//!
//! axum's `serve` puts no limit on how long a client may take to send its headers, nor on the number of connections. Behind
//! a reverse proxy, which has both, that is enough; exposed by itself it is not.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use thiserror::Error;
use tokio::{net::TcpListener, sync::oneshot};

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

/// Serves until `stop` completes, then takes no more connections and finishes what is in flight, for at most `grace`.
///
/// # Errors
/// If the socket breaks.
pub async fn until(
    stop: impl Future<Output = ()> + Send + 'static,
    listener: TcpListener,
    app: Router,
    grace: Duration,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        tracing::info!("stopping: no new connections, requests in flight are finished");
        // Nobody listens any more if the server has ended by itself.
        let _ = stopping.send(());
    });
    let out_of_patience = async move {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = server => ended,
        () = out_of_patience => {
            tracing::warn!(seconds = grace.as_secs(), "the grace period is over; requests in flight were cut");
            Ok(())
        }
    }
}

/// Completes on Ctrl-C, and on SIGTERM, which is how an orchestrator asks.
pub async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the process by itself.
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => (),
        () = terminate => (),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::Notify,
    };

    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let first = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = first.local_addr().unwrap();

        let error = listen(address).await.unwrap_err().to_string();

        assert!(error.contains(&format!("port {} is taken", address.port())), "{error}");
        assert!(error.contains("API_BIND="), "{error}");
    }

    #[tokio::test]
    async fn a_request_in_flight_is_finished_before_the_server_stops() {
        let (arrived, go_on, stop) =
            (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
            move || async move {
                arrived.notify_one();
                go_on.notified().await;
                "finished"
            }
        };
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let asked = Arc::clone(&stop);
        let server = tokio::spawn(until(
            async move { asked.notified().await },
            listener,
            Router::new().route("/", get(handler)),
            Duration::from_secs(60),
        ));

        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        arrived.notified().await;
        stop.notify_one();
        go_on.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();

        assert!(answer.ends_with("finished"), "{answer}");
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_cut_when_the_grace_period_is_over() {
        let (arrived, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let arrived = Arc::clone(&arrived);
            move || async move {
                arrived.notify_one();
                std::future::pending::<()>().await;
            }
        };
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let asked = Arc::clone(&stop);
        let app = Router::new().route("/", get(handler));
        let server =
            tokio::spawn(until(async move { asked.notified().await }, listener, app, Duration::ZERO));

        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        arrived.notified().await;
        stop.notify_one();

        server.await.unwrap().unwrap();
    }
}
