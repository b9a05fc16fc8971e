//! Photos that are made into thumbnails. A photo is in memory from the moment it is opened until its thumbnail is done.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::post,
};
use lab::{Backend, Control, Gauge, InFlight, Probes, Wait};

/// The cores that thumbnails may use. Fixed, so that an experiment says the same on every machine.
pub const CORES: usize = 2;

/// The photo that no decoder can read: its thumbnail panics.
pub const BROKEN: u64 = 13;

pub(crate) const IN_MEMORY: &str = "photos in memory at once";

/// The photos. Cloning this is cheap.
#[derive(Clone, Debug)]
pub struct Photos(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    decoder: Backend,
    in_memory: Gauge,
    run: Mutex<Run>,
    moved: Condvar,
}

/// What the jobs of a run wait for, so that no clock decides how many overlap.
#[derive(Debug)]
struct Run {
    to_come: u64,
    to_open: u64,
    held: bool,
    /// Requests that have come, and photos that were opened.
    moves: u64,
    given_up: bool,
}

impl Photos {
    /// Photos of which no thumbnail is done before all requests of the experiment have come, and each core has a photo.
    pub fn new(probes: &Probes) -> Self {
        Self::with(probes, probes.control(Control::REQUESTS.name).unwrap_or(0), false)
    }

    /// Photos of which no thumbnail is done before the operators say so.
    pub fn held(probes: &Probes) -> Self {
        Self::with(probes, 0, true)
    }

    fn with(probes: &Probes, to_come: u64, held: bool) -> Self {
        Self(Arc::new(Shared {
            decoder: probes.backend("threads computing at once"),
            in_memory: probes.gauge(IN_MEMORY),
            run: Mutex::new(Run {
                to_come,
                to_open: to_come.min(CORES as u64),
                held,
                moves: 0,
                given_up: false,
            }),
            moved: Condvar::new(),
        }))
    }

    /// Opens a photo: from here on it is in memory.
    pub fn open(&self, number: u64) -> Photo {
        let photo = Photo { photos: self.clone(), number, _in_memory: self.0.in_memory.enter() };
        {
            let mut run = self.run();
            run.to_open = run.to_open.saturating_sub(1);
            run.moves += 1;
        }
        self.0.moved.notify_all();
        photo
    }

    /// How many photos are in memory now.
    pub fn in_memory(&self) -> u64 {
        self.0.in_memory.now()
    }

    /// Counts the requests that come, outside of everything that the service does with them, and adds the operators'
    /// `POST /photos/go-on`, which ends the waiting of photos that are held.
    pub fn around(&self, router: Router) -> Router {
        let photos = self.clone();
        let go_on = post(move || async move {
            photos.run().held = false;
            photos.0.moved.notify_all();
            StatusCode::NO_CONTENT
        });
        router.route("/photos/go-on", go_on).layer(from_fn_with_state(self.clone(), arrive))
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        // A few plain values: whole also after a panic.
        self.0.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits on the calling thread for what the run has in store.
    fn wait_blocking(&self) {
        let mut run = self.run();
        let mut wait = Wait::begin(run.moves);
        while !run.given_up && (run.to_come > 0 || run.to_open > 0 || run.held) {
            let waited = self.0.moved.wait_timeout(run, Wait::TURN);
            run = waited.unwrap_or_else(PoisonError::into_inner).0;
            // One wait in vain is enough to show that the others cannot come. Only a run that was cut, or whose jobs hold the
            // worker, gets there.
            run.given_up |= wait.has_lasted(run.moves, Wait::SOON);
        }
    }
}

async fn arrive(State(photos): State<Photos>, request: Request, next: Next) -> Response {
    let mut answer = pin!(next.run(request));
    // A service decides in its first poll whom it lets in. Only then has the request come: a job on another thread that
    // waits for it cannot free a place before.
    let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
    {
        let mut run = photos.run();
        run.to_come = run.to_come.saturating_sub(1);
        run.moves += 1;
    }
    photos.0.moved.notify_all();
    match first {
        Poll::Ready(answer) => answer,
        Poll::Pending => answer.await,
    }
}

/// A photo in memory.
#[derive(Debug)]
pub struct Photo {
    photos: Photos,
    number: u64,
    _in_memory: InFlight,
}

impl Photo {
    /// Makes the thumbnail: arithmetic from beginning to end, as long as the control says.
    ///
    /// # Panics
    /// If the photo is the [`BROKEN`] one, as decoders do.
    pub fn thumbnail_blocking(self) -> String {
        self.photos.wait_blocking();
        assert!(self.number != BROKEN, "photo {BROKEN} ends in the middle of a row of pixels");
        let sum = self.photos.0.decoder.rows().fold(0_u64, u64::wrapping_add);
        std::hint::black_box(sum);
        format!("thumbnail {}", self.number)
    }
}
