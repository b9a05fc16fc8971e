//! The study site: the book, the live labs, the reader's progress and the reference API on one loopback address.
//!
//! ```text
//! request ─ Host check ─┬─ /lab, /progress ─ write check ─ handler
//!                       ├─ /api/v1, /docs, /health         the reference API, by its own rules
//!                       └─ everything else                 a page of the book, by exact path
//! ```

mod api;
mod exercise;
mod guard;
mod labs;
mod listen;
mod problem;
mod progress;
mod shelf;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::rand;
use axum::{Router, middleware, routing::get};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Pages;

pub use api::reference_api;
pub use guard::TOKEN_HEADER;
pub use labs::{MOST_RUNS, Runs};
pub use listen::{Listening, listen};

/// How long answers that are under way may take after Ctrl-C. Runs are cancelled at once and end well before.
const GRACE: Duration = Duration::from_millis(500);

/// The study site. Cloning it is cheap; all clones are one site.
#[derive(Clone, Debug)]
pub struct Site(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shelf: shelf::Shelf,
    port: u16,
    token: String,
    runs: Runs,
    progress: PathBuf,
    open: Opener,
    stop: CancellationToken,
}

/// Shows a folder to the reader. Tests put another one in its place.
type Opener = fn(&Path) -> io::Result<()>;

impl Site {
    /// A site of these pages on that port, with the reader's progress in that file. `open`
    /// shows a folder to the reader. Ends its runs when `stop` is cancelled.
    ///
    /// # Errors
    /// If the system gives no random bytes for the token.
    pub fn new(
        pages: Pages,
        port: u16,
        progress: PathBuf,
        open: Opener,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        // A page of another origin cannot read this page, so it cannot know the token that a write needs.
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let token = BASE64_URL_SAFE_NO_PAD.encode(secret);
        let shelf = shelf::Shelf::new(pages, &token);
        Ok(Self(Arc::new(Inner { shelf, port, token, runs: Runs::default(), progress, open, stop })))
    }

    /// The token that a request must carry to run or to write something.
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// The runs of the live labs.
    pub fn runs(&self) -> &Runs {
        &self.0.runs
    }

    /// The whole site: the book and its labs, with the routes of the reference API beside them.
    pub fn router(&self, api: Router) -> Router {
        Router::new()
            .merge(labs::routes())
            .merge(progress::routes())
            .merge(exercise::routes())
            .route_layer(middleware::from_fn_with_state(self.clone(), guard::writes))
            .route("/problems/{slug}", get(shelf::problem))
            .fallback(shelf::page)
            .with_state(self.clone())
            .merge(api)
            .layer(middleware::from_fn_with_state(self.clone(), guard::host))
            .layer(middleware::from_fn(guard::headers))
    }

    /// Serves until the site's token is cancelled, then lets go of every connection within half a second.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(&self, listener: TcpListener, api: Router) -> io::Result<()> {
        let stop = self.0.stop.clone();
        let served =
            axum::serve(listener, self.router(api)).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::select! {
            outcome = served => outcome,
            // A connection that stays open must not hold up the reader's shell.
            () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
        }
    }
}
