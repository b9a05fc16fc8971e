//! Where a request comes from: the address that limits are counted for.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderName, request::Parts},
};
use ipnet::IpNet;

use crate::state::AppState;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client, as far as we can know it.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // Without a socket, in a host that does not tell, all clients are one.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
        Ok(Self(client(peer, &parts.headers, &state.settings.trusted_proxies)))
    }
}

// ANCHOR: forwarded_for
/// The nearest address that is not one of our proxies.
///
/// `X-Forwarded-For` is text that anybody can send. Each proxy appends the address that it was called from, so only what our
/// own proxies have appended is true: from the right, as far as the addresses are theirs, and one further.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let ours = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let sent = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut forwarded = sent.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    while ours(&client) {
        match forwarded.next().and_then(|address| address.trim().parse::<IpAddr>().ok()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}
// ANCHOR_END: forwarded_for

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_our_own_proxies_have_appended_is_believed() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "192.0.2.1/32".parse().unwrap()];
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "", "203.0.113.9"),
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.2", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.2", "1.1.1.1, 198.51.100.1,192.0.2.1", "198.51.100.1"),
            ("::ffff:10.0.0.2", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.2", "", "10.0.0.2"),
            ("10.0.0.2", "not an address", "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED_FOR, HeaderValue::from_static(forwarded));
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded}");
        }
    }
}
