//! Who there is: a table of accounts that counts how often it is asked, and the refusals that go with it.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use lab::{Counter, Probes};
use serde::Deserialize;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Works with orders.
    Clerk,
    /// Sees the reports, too.
    Admin,
}

/// Somebody who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: &'static str,
    /// What they may do.
    pub role: Role,
    /// The session's token: stands for a row in a table of sessions.
    pub token: &'static str,
}

/// An administrator.
pub const ADA: Account = Account { name: "Ada", role: Role::Admin, token: "session-of-ada" };
/// A clerk.
pub const BEN: Account = Account { name: "Ben", role: Role::Clerk, token: "session-of-ben" };

/// The table of accounts. Cloning it is cheap, like cloning a connection pool.
#[derive(Clone, Debug)]
pub struct Directory(Counter);

impl Directory {
    /// The counter of lookups.
    pub const LOOKUPS: &'static str = "users looked up";

    /// The table, as the experiment hands it out.
    pub fn new(probes: &Probes) -> Self {
        Self(probes.counter(Self::LOOKUPS))
    }

    /// The account that the token belongs to. Stands for a query.
    pub async fn find(&self, token: &str) -> Option<Account> {
        self.0.add_one();
        [ADA, BEN].into_iter().find(|account| account.token == token)
    }
}

/// What `POST /orders` takes.
#[derive(Debug, Deserialize)]
pub struct NewOrder {
    /// What is ordered.
    pub item: String,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody knows who asks.
    Unknown,
    /// It is known who asks, and they may not.
    Forbidden,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            // RFC 9110 §15.5.2: a 401 says how to authenticate.
            Self::Unknown => {
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response()
            }
            Self::Forbidden => StatusCode::FORBIDDEN.into_response(),
        }
    }
}

/// The token in the `Authorization` header.
///
/// # Errors
/// If there is none.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refusal::Unknown)
}
