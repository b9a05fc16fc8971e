//! The program as an orchestrator sees it: how it starts and refuses to, how it ends when it is asked to, and what is left when
//! it is killed in the middle of something.

#![cfg(unix)]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a fault in the setup of a check is a failed check"
)]

mod home;
mod jobs;
mod migrations;
#[path = "../../src/testing/postgres.rs"]
mod postgres;
mod service;
mod start;
mod stop;
