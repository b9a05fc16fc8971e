//! mistake: the dummy hash is made when it is needed. A name that does not exist costs two hashes.
//! fails: a_name_that_does_not_exist_costs_what_others_cost

#[path = "../checks.rs"]
mod checks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use passwords::{
    Login, Welcome,
    accounts::Accounts,
    argon::{Argon, Memory, is_outdated, price},
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
    let known = stored.is_some();
    let hash = match stored {
        Some(hash) => hash,
        None => service.compute(|argon, memory| argon.hash_in(memory, "nobody's password")).await?,
    };
    let (password, compared) = (login.password.clone(), hash.clone());
    let right = service.compute(move |argon, memory| argon.verify_in(memory, &password, &compared)).await?;
    if !right || !known {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if is_outdated(&price(&hash)) {
        let new = service.compute(move |argon, memory| argon.hash_in(memory, &login.password)).await?;
        service.accounts.replace(&login.user, &hash, new);
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
