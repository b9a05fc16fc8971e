//! A site with many pages, which serves eight calls at once and refuses what is more.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use lab::{Backend, Counter, Gauge, Probes};
use serde::Serialize;
use tokio::sync::watch;

use crate::{PAGES, door::Door};

/// How many calls the site serves at once.
pub const CAPACITY: usize = 8;

/// So long the slow page waits for the next of the others.
const QUIET: Duration = Duration::from_millis(300);

pub(crate) const AT_ONCE: &str = "calls at once";
pub(crate) const FETCHED: &str = "pages fetched";
pub(crate) const REFUSED: &str = "pages refused";

/// A page of the site, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Page(pub u64);

/// A page that could not be fetched: the site has too many calls, or the page is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub Page);

/// What became of a crawl.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Crawled {
    /// Pages that were fetched.
    pub fetched: u64,
    /// Pages that could not be fetched.
    pub failed: u64,
}

/// A client of the site. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Site {
    pages: u64,
    broken: BTreeSet<Page>,
    slow: Option<Page>,
    others_done: watch::Sender<u64>,
    seen: Arc<Mutex<BTreeSet<Page>>>,
    door: Door,
    backend: Backend,
    at_once: Gauge,
    fetched: Counter,
    refused: Counter,
}

impl Site {
    /// A site with as many pages as the experiment says, all of them well.
    pub fn new(probes: &Probes) -> Self {
        Self {
            pages: probes.control(PAGES.name).unwrap_or(PAGES.default),
            broken: BTreeSet::new(),
            slow: None,
            others_done: watch::Sender::new(0),
            seen: Arc::default(),
            door: Door::new(probes),
            backend: probes.backend("served at once"),
            at_once: probes.gauge(AT_ONCE),
            fetched: probes.counter(FETCHED),
            refused: probes.counter(REFUSED),
        }
    }

    /// The same site, on which these pages fail each time.
    #[must_use]
    pub fn with_broken(self, pages: impl IntoIterator<Item = Page>) -> Self {
        Self { broken: pages.into_iter().collect(), ..self }
    }

    /// The same site, on which this page answers only when all others have been answered.
    #[must_use]
    pub fn with_slow(self, page: Page) -> Self {
        Self { slow: Some(page), ..self }
    }

    /// The pages that there are.
    pub fn pages(&self) -> Vec<Page> {
        (0..self.pages).map(Page).collect()
    }

    /// Fetches a page.
    ///
    /// # Errors
    /// If the site has [`CAPACITY`] calls already, or the page is broken.
    pub async fn fetch(&self, page: Page) -> Result<(), Failed> {
        let _under_way = self.at_once.enter();
        // Decided when the call comes in, and told after a round trip, as the answer to any call is.
        let too_many = self.at_once.now() > CAPACITY as u64;
        self.door.all_here().await;
        self.backend.call().await;
        if too_many {
            self.refused.add_one();
            return Err(Failed(page));
        }
        if self.slow == Some(page) {
            self.all_others_done().await;
        }
        self.seen().insert(page);
        self.others_done.send_modify(|done| *done += 1);
        if self.broken.contains(&page) {
            return Err(Failed(page));
        }
        self.fetched.add_one();
        Ok(())
    }

    /// Puts the experiment's door around the crawler, outside of all its layers.
    pub fn behind_the_door(&self, router: Router) -> Router {
        self.door.around(router)
    }

    /// How many calls are at the site now.
    pub fn at_once(&self) -> u64 {
        self.at_once.now()
    }

    /// How many different pages were asked for and answered.
    pub fn answered(&self) -> usize {
        self.seen().len()
    }

    async fn all_others_done(&self) {
        let mut done = self.others_done.subscribe();
        let others = self.pages - 1;
        while *done.borrow_and_update() < others {
            // As long as others are answered, more may be. Where they wait for this page, nobody is.
            if tokio::time::timeout(QUIET, done.changed()).await.is_err() {
                self.refused.add_one();
                return;
            }
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeSet<Page>> {
        // A set of numbers: whole also after a panic.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
