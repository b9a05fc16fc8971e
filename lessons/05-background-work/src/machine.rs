//! The machine that runs one process of the service: a thread with a runtime of its own, which a deploy stops and a power
//! failure ends. What a process has not finished is gone with its runtime, as it is with a real one.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::{
    runtime::Builder,
    sync::{Mutex, mpsc, oneshot, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::World;

/// The `main` of a service: it gets the world, the door at which requests arrive, and the signal to stop.
pub type Main = fn(World, Door, CancellationToken) -> MainFuture;

/// The future of a [`Main`].
pub type MainFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the requests of a process arrive. It stands for the listening socket.
#[derive(Debug)]
pub struct Door {
    calls: mpsc::Receiver<Call>,
    tell: watch::Sender<State>,
}

#[derive(Debug)]
struct Call {
    request: Request,
    answer: oneshot::Sender<Response>,
}

impl Door {
    /// Serves requests until it is told to stop, and then finishes those that have begun, as axum's graceful shutdown does.
    pub async fn serve(mut self, router: Router, stop: &CancellationToken) {
        self.tell.send_replace(State::Serving);
        let begun = TaskTracker::new();
        while let Some(Some(Call { request, answer })) = stop.run_until_cancelled(self.calls.recv()).await {
            let router = router.clone();
            begun.spawn(async move {
                let response = router.oneshot(request).await.into_response();
                // An error means that the client has hung up.
                drop(answer.send(response));
            });
        }
        begun.close();
        begun.wait().await;
    }
}

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does not serve yet.
    Starting,
    /// It serves.
    Serving,
    /// It was asked to stop and still has something to finish.
    Finishing,
    /// It has ended, and everything that it had not finished is gone.
    Ended,
}

/// A machine on which one process at a time runs.
#[derive(Clone)]
pub struct Machine {
    main: Main,
    world: World,
    process: Arc<Mutex<Process>>,
}

struct Process {
    calls: mpsc::Sender<Call>,
    stop: CancellationToken,
    power: CancellationToken,
    state: watch::Receiver<State>,
}

impl Machine {
    /// A machine with a running process.
    pub fn new(main: Main, world: World) -> Self {
        let process = Arc::new(Mutex::new(Process::start(main, world.clone())));
        Self { main, world, process }
    }

    /// The world around it.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Sends a request to the running process. 503 if there is none, or if it ends before it has answered.
    pub async fn call(&self, request: Request) -> Response {
        let calls = self.process.lock().await.calls.clone();
        let (answer, answered) = oneshot::channel();
        // Either error means that the process is gone; the one below, that it is gone with the request in its hands.
        drop(calls.send(Call { request, answer }).await);
        answered.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
    }

    /// Asks the process to stop, as a deploy does with SIGTERM. Returns when it has ended, or when it is known to be waiting
    /// for something.
    pub async fn stop(&self) -> State {
        let mut process = self.process.lock().await;
        process.stop.cancel();
        process.until(|state| matches!(state, State::Finishing | State::Ended)).await
    }

    /// Waits until the process has ended.
    pub async fn ended(&self) {
        self.process.lock().await.until(|state| state == State::Ended).await;
    }

    /// Cuts the power. Nothing in the process runs from here on.
    pub async fn crash(&self) {
        let mut process = self.process.lock().await;
        process.power.cancel();
        process.until(|state| state == State::Ended).await;
    }

    /// Starts a new process when the old one has ended, and waits until it serves.
    pub async fn start(&self) {
        let mut process = self.process.lock().await;
        process.until(|state| state == State::Ended).await;
        *process = Process::start(self.main, self.world.clone());
        process.until(|state| state != State::Starting).await;
    }
}

impl Process {
    #[expect(clippy::expect_used, reason = "without a thread there is no process to show")]
    fn start(main: Main, world: World) -> Self {
        let (calls, door) = mpsc::channel(64);
        let (stop, power) = (CancellationToken::new(), CancellationToken::new());
        let (tell, state) = watch::channel(State::Starting);
        let run = {
            let (stop, power) = (stop.clone(), power.clone());
            move || run(main, world, Door { calls: door, tell: tell.clone() }, &stop, &power, tell)
        };
        thread::Builder::new().name("process".to_owned()).spawn(run).expect("the system gives a thread");
        Self { calls, stop, power, state }
    }

    async fn until(&mut self, wanted: impl Fn(State) -> bool) -> State {
        // An error means that the thread has ended, and with it the process.
        self.state.wait_for(|state| wanted(*state)).await.map_or(State::Ended, |state| *state)
    }
}

impl Drop for Process {
    /// The lab ends a run when it likes, and a process must not outlive it.
    fn drop(&mut self) {
        self.power.cancel();
    }
}

#[expect(clippy::expect_used, reason = "without a runtime there is no process to show")]
fn run(
    main: Main,
    world: World,
    door: Door,
    stop: &CancellationToken,
    power: &CancellationToken,
    tell: watch::Sender<State>,
) {
    // Set when `main` has been polled with the signal given.
    let knows = Arc::new(AtomicBool::new(false));
    let parking = {
        let (knows, tell) = (Arc::clone(&knows), tell.clone());
        // The thread has nothing left to do for now: a `main` that knows and has not ended waits for something.
        move || {
            if knows.load(Ordering::SeqCst) {
                tell.send_replace(State::Finishing);
            }
        }
    };
    let runtime = Builder::new_current_thread().enable_all().on_thread_park(parking).build();
    let runtime = runtime.expect("the system gives a runtime");
    runtime.block_on(async {
        let mut main = pin!(main(world, door, stop.clone()));
        let main = poll_fn(|context| {
            let asked = stop.is_cancelled();
            let polled = main.as_mut().poll(context);
            knows.store(asked, Ordering::SeqCst);
            polled
        });
        power.run_until_cancelled(main).await;
    });
    knows.store(false, Ordering::SeqCst);
    // `main` has returned, or there is no power: whatever tasks there are, they are dropped where they stand.
    drop(runtime);
    tell.send_replace(State::Ended);
}
