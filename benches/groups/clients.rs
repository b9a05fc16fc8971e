//! Lesson 03: what does a client for each request cost, when the other service is next door?
//!
//! The upstream listens on loopback and speaks plain HTTP, so a connection is as cheap as it can be. Over a real network a
//! handshake costs a round trip, with TLS two or three; the count of connections is what travels. A client that is able to
//! speak TLS also reads the system's certificates, whenever one is built.

use one_client::TWENTY_QUOTES;
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "03-four-quotes",
    question: "How long do 4 calls of another service take, one after the other, over loopback and without TLS?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &TWENTY_QUOTES,
        controls: &[("requests", 4), ("at_once", 1)],
        asks: None,
        counts: Some(asked::CONNECTIONS),
        anew: false,
    }),
    measure: asked::measure,
};
