//! Finds a port.

use std::{io, net::Ipv4Addr};

use tokio::net::TcpListener;

/// How many ports are tried, one after the other.
const TRIES: u16 = 20;

/// A loopback listener, and whether it is the one that was asked for.
#[derive(Debug)]
pub struct Listening {
    /// The listener.
    pub listener: TcpListener,
    /// Its port.
    pub port: u16,
    /// Whether the port that was asked for was taken.
    pub moved: bool,
}

/// Listens on 127.0.0.1, on that port or the next free one after it. Port 0 takes any.
///
/// # Errors
/// If none of the ports tried can be had.
pub async fn listen(asked: u16) -> io::Result<Listening> {
    let mut last = io::Error::other("no port was tried");
    for port in (asked..=u16::MAX).take(usize::from(TRIES)) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let port = listener.local_addr()?.port();
                return Ok(Listening { listener, port, moved: asked != 0 && port != asked });
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
