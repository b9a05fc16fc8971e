//! Where a request to somebody else's server may go: to public addresses alone.
//!
//! A user chooses the address, and the service sends the request from inside its own network. Without a check it could be sent to
//! the database, to a neighbour, or to the cloud's metadata service, which hands out credentials (OWASP: server-side request
//! forgery). A check of the name alone is none: a name may lead to a public address when it is looked at and to a private one
//! when it is connected to. So the check sits in the resolver of the client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use thiserror::Error;

/// Why a request may not go there.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// Not `https://`, with letters that no address has, or with user and password in it.
    #[error("must begin with https://, be in ASCII without spaces, and have no user, password and fragment")]
    Form,
    /// The host is an address of a private network.
    #[error("must not lead into a private network")]
    Private,
}

/// The address, if a request may go there.
///
/// Only as it is written: `Url` would pass over spaces around it, line breaks within it and capitals in `HTTPS`, and the document
/// would say one thing and the service do another.
///
/// # Errors
/// What is wrong with it. A name is judged later, when it is looked up.
pub fn check(text: &str, allow_private: bool) -> Result<Url, Refused> {
    let secure = text.starts_with("https://") || (allow_private && text.starts_with("http://"));
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let url = Url::parse(text).map_err(|_| Refused::Form)?;
    if !secure
        || !visible
        || !url.username().is_empty()
        || url.password().is_some()
        || url.fragment().is_some()
    {
        return Err(Refused::Form);
    }
    // An address as the host is never looked up. `Url` has already turned forms such as 0x7f.1 into one.
    let host = url.host_str().ok_or(Refused::Form)?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) if !allow_private && !is_public(address) => Err(Refused::Private),
        _ => Ok(url),
    }
}

// ANCHOR: public_only
/// Looks names up, and forgets every address that is not public.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicOnly {
    pub(crate) allow_private: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let usable: Vec<SocketAddr> =
                found.filter(|address| allow_private || is_public(address.ip())).collect();
            if usable.is_empty() {
                return Err(Refused::Private.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}
// ANCHOR_END: public_only

/// Whether the address belongs to the internet (the registries of IANA for special purposes, RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 224 // multicast, reserved, broadcast
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local() // 169.254.169.254 among them
        || address.is_documentation()
        || (a == 100 && b & 0xc0 == 64) // between a provider and its customers
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18); // benchmarks
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let v4_inside = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    let segments = address.segments();
    match first {
        // Translated to the IPv4 address inside (RFC 6052).
        0x64 if second == 0xff9b => v4_inside(segments[6], segments[7]),
        0x2002 => v4_inside(segments[1], segments[2]),
        // Teredo and documentation.
        0x2001 if second == 0 || second == 0xdb8 => false,
        // Everything that is handed out lies in 2000::/3; ::1, ::ffff:127.0.0.1, fc00::/7, fe80::/10 and ff00::/8 do not.
        first => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_private_networks_are_refused_in_whatever_way_they_are_written() {
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::1]/",
            "https://[::]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[ff02::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[::127.0.0.1]/",
        ] {
            assert_eq!(check(url, false), Err(Refused::Private), "{url}");
        }
        for url in
            ["https://93.184.215.14/", "https://[2606:2800:21f:cb07::1]/", "https://example.com/hook?x=1"]
        {
            assert!(check(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn only_https_addresses_without_credentials_are_taken() {
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://user:secret@example.com/",
            "https://example.com/#part",
            "example.com",
            "javascript:alert(1)",
            "",
            "HTTPS://example.com/",
            " https://example.com/",
            "https://example.com/\n",
            "https://exam\tple.com/",
            "https://example.com/a b",
            "https:example.com",
            "https:\\\\example.com",
            "https://exämple.com/",
            "https://",
        ] {
            assert_eq!(check(url, false), Err(Refused::Form), "{url}");
        }
        assert!(check("http://127.0.0.1:9000/", true).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_refused_when_it_is_looked_up() {
        let client =
            reqwest::Client::builder().no_proxy().dns_resolver(PublicOnly { allow_private: false }).build();

        let error = client.unwrap().get("http://localhost:9/").send().await.unwrap_err();

        assert!(crate::error::causes(&error).contains("private network"), "{error:?}");
    }
}
