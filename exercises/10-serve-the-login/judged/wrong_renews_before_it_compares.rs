//! mistake: an old hash is replaced with one of whatever password was sent.
//! fails: the_right_password_lets_in_and_all_others_are_refused_alike, an_old_hash_is_made_new_when_its_owner_logs_in

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use passwords::{
    Login, Welcome,
    accounts::Accounts,
    argon::{Argon, Memory, POLICY, is_outdated, nobodys, price},
};
use tokio::sync::Semaphore;

const CORES: usize = 2;

#[derive(Clone)]
struct Service {
    accounts: Accounts,
    argon: Argon,
    permits: Arc<Semaphore>,
    memories: Arc<Mutex<Vec<Memory>>>,
}

fn app(accounts: Accounts, argon: Argon) -> Router {
    let permits = Arc::new(Semaphore::new(CORES));
    let service = Service { accounts, argon, permits, memories: Arc::default() };
    Router::new().route("/login", post(login)).with_state(service)
}

async fn login(
    State(service): State<Service>,
    Json(login): Json<Login>,
) -> Result<Json<Welcome>, StatusCode> {
    let stored = service.accounts.find(&login.user);
    let stored = match stored {
        Some(old) if is_outdated(&price(&old)) => {
            let password = login.password.clone();
            let new = service.compute(move |argon, memory| argon.hash_in(memory, &password)).await?;
            service.accounts.replace(&login.user, &old, new.clone());
            Some(new)
        }
        stored => stored,
    };
    let known = stored.is_some();
    // What is compared with for a name that does not exist costs what today's hashes cost.
    let hash = stored.unwrap_or_else(|| nobodys(&POLICY));
    let right = service.compute(move |argon, memory| argon.verify_in(memory, &login.password, &hash)).await?;
    if !right || !known {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(Json(Welcome { user: login.user }))
}

impl Service {
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon, &mut Memory) -> T + Send + 'static,
    ) -> Result<T, StatusCode> {
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            // It goes along with the work: a client that hangs up ends the waiting, but not the hash.
            let _permit = permit;
            let mut memory = this.memories().pop().unwrap_or_else(|| this.argon.memory());
            let done = work(&this.argon, &mut memory);
            this.memories().push(memory);
            done
        });
        done.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn memories(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
