//! Two threads of its own, each with its buffer, and a queue in front of them that has an end.

#[path = "../checks.rs"]
mod checks;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use passwords::{
    Login, Welcome,
    accounts::Accounts,
    argon::{Argon, Memory, POLICY, is_outdated, nobodys, price},
};
use tokio::sync::oneshot;

const CORES: usize = 2;
/// More than that wait too long for their answer: they are told to come again.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&Argon, &mut Memory) + Send>;

#[derive(Clone)]
struct Service {
    accounts: Accounts,
    jobs: SyncSender<Job>,
}

fn app(accounts: Accounts, argon: Argon) -> Router {
    let (jobs, queue) = sync_channel(QUEUE);
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..CORES {
        let (argon, queue) = (argon.clone(), Arc::clone(&queue));
        // Ends when the service is dropped, and its end of the channel with it.
        thread::spawn(move || work(&argon, &queue));
    }
    Router::new().route("/login", post(login)).with_state(Service { accounts, jobs })
}

fn work(argon: &Argon, queue: &Mutex<Receiver<Job>>) {
    let mut memory = argon.memory();
    loop {
        // Whoever has the lock waits for a job, and lets it go before the work begins.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job(argon, &mut memory);
    }
}

impl Service {
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon, &mut Memory) -> T + Send + 'static,
    ) -> Result<T, StatusCode> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |argon, memory| {
            // Nobody may be waiting for it any more.
            let _ = answer.send(work(argon, memory));
        });
        self.jobs.try_send(job).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        answered.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }
}

async fn login(
    State(service): State<Service>,
    Json(Login { user, password }): Json<Login>,
) -> Result<Json<Welcome>, StatusCode> {
    let stored = service.accounts.find(&user);
    let hash = stored.clone().unwrap_or_else(|| nobodys(&POLICY));
    // One job: the new hash is made where the old one was compared, and the client waits for one turn.
    let checked = service.compute(move |argon, memory| {
        let right = argon.verify_in(memory, &password, &hash);
        let renew = right && is_outdated(&price(&hash));
        (right, renew.then(|| argon.hash_in(memory, &password)))
    });
    let (right, new) = checked.await?;
    let Some(old) = stored.filter(|_| right) else { return Err(StatusCode::UNAUTHORIZED) };
    if let Some(new) = new {
        service.accounts.replace(&user, &old, new);
    }
    Ok(Json(Welcome { user }))
}
