//! What people write. The right password opens, a wrong one does not, and that is what the tests look at.

use argon2::password_hash::phc::PasswordHash;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use lab::Probes;

use crate::{
    Login, Welcome,
    accounts::Accounts,
    argon::{Argon, cheapest, nobodys},
    right::{Passwords, Refused},
};

#[derive(Clone)]
struct Service {
    accounts: Accounts,
    argon: Argon,
}

fn service(probes: &Probes) -> Service {
    Service { accounts: Accounts::new(), argon: Argon::new(probes) }
}

/// The hash is computed in the handler.
pub async fn on_the_worker(probes: Probes) -> Router {
    // ANCHOR: on_the_worker
    async fn login(
        State(service): State<Service>,
        Json(login): Json<Login>,
    ) -> Result<Json<Welcome>, StatusCode> {
        let hash = service.accounts.find(&login.user).ok_or(StatusCode::UNAUTHORIZED)?;
        // Computes for tens of milliseconds. There is no `.await` in it, so the worker serves nobody meanwhile.
        if service.argon.verify(&login.password, &hash) {
            Ok(Json(Welcome { user: login.user }))
        } else {
            Err(StatusCode::UNAUTHORIZED)
        }
    }
    // ANCHOR_END: on_the_worker

    Router::new().route("/login", post(login)).with_state(service(&probes))
}

/// The hash moves to the blocking pool, as every tutorial says.
pub async fn spawn_blocking(probes: Probes) -> Router {
    // ANCHOR: spawn_blocking
    async fn login(
        State(Service { accounts, argon }): State<Service>,
        Json(login): Json<Login>,
    ) -> Result<Json<Welcome>, StatusCode> {
        let hash = accounts.find(&login.user).ok_or(StatusCode::UNAUTHORIZED)?;
        // The worker is free. The pool starts a thread for each login, up to 512, and each takes 19 MiB.
        let right = tokio::task::spawn_blocking(move || argon.verify(&login.password, &hash)).await;
        match right {
            Ok(true) => Ok(Json(Welcome { user: login.user })),
            Ok(false) => Err(StatusCode::UNAUTHORIZED),
            Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
    // ANCHOR_END: spawn_blocking

    Router::new().route("/login", post(login)).with_state(service(&probes))
}

#[derive(Clone)]
struct Bounded {
    accounts: Accounts,
    passwords: Passwords,
}

fn bounded(probes: &Probes) -> Bounded {
    Bounded { accounts: Accounts::new(), passwords: Passwords::new(probes) }
}

/// Hashes are bounded, and who has no account is told at once.
pub async fn early_return(probes: Probes) -> Router {
    // ANCHOR: early_return
    async fn login(
        State(Bounded { accounts, passwords }): State<Bounded>,
        Json(login): Json<Login>,
    ) -> Result<Json<Welcome>, Refused> {
        // Nothing to compare with, so nothing to compute: the answer comes in a millisecond instead of in fifty.
        let hash = accounts.find(&login.user).ok_or(Refused::Credentials)?;
        if !passwords.verify(login.password, &hash).await? {
            return Err(Refused::Credentials);
        }
        Ok(Json(Welcome { user: login.user }))
    }
    // ANCHOR_END: early_return

    Router::new().route("/login", post(login)).with_state(bounded(&probes))
}

/// There is a dummy hash, taken from where one was at hand.
pub async fn cheap_dummy(probes: Probes) -> Router {
    // ANCHOR: cheap_dummy
    async fn login(
        State(Bounded { accounts, passwords }): State<Bounded>,
        Json(login): Json<Login>,
    ) -> Result<Json<Welcome>, Refused> {
        let stored = accounts.find(&login.user);
        // `verify` takes the price from the hash that it is given, and not from our policy. This one was made for tests.
        let hash = stored.clone().unwrap_or_else(dummy_of_the_test_suite);
        if !passwords.verify(login.password, &hash).await? || stored.is_none() {
            return Err(Refused::Credentials);
        }
        Ok(Json(Welcome { user: login.user }))
    }
    // ANCHOR_END: cheap_dummy

    Router::new().route("/login", post(login)).with_state(bounded(&probes))
}

fn dummy_of_the_test_suite() -> PasswordHash {
    nobodys(&cheapest())
}

/// The policy was raised, and the hashes in the table stay what they are.
pub async fn verify_only(probes: Probes) -> Router {
    early_return(probes).await
}
