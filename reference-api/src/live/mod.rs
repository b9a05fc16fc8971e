//! Live: a WebSocket on which a user sees the changes of their own items as they happen.
//!
//! `events.rs` is how a change gets here from a handler, `socket.rs` what one socket does. Here is who listens: a list of users,
//! each with the sockets that are open. With Redis the replicas tell each other, so it does not matter which of them a socket is
//! connected to.

mod events;
mod socket;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(crate) use events::{Events, announce_committed};
pub(crate) use socket::token_from_subprotocol;

use crate::{shared::Shared, state::AppState};

/// How many events a socket may be behind before it is closed: a reader that is slow must not cost memory.
const BACKLOG: usize = 64;

/// How many sockets one user has at the most, and how many there are in this process.
const MOST_OF_A_USER: usize = 5;
const MOST: usize = 1_000;

/// The route of the socket. The guard that needs a login goes around it in `lib.rs`.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(socket::watch_items))
}

/// The open sockets of this process.
pub(crate) struct Live {
    users: Mutex<HashMap<Uuid, broadcast::Sender<Arc<str>>>>,
    open: AtomicUsize,
    stopping: CancellationToken,
    tasks: TaskTracker,
    shared: Option<Arc<Shared>>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl Live {
    /// Nobody listens yet. With `shared`, events of other replicas arrive as well.
    pub(crate) fn new(shared: Option<Arc<Shared>>) -> Arc<Self> {
        let live = Arc::new(Self {
            users: Mutex::default(),
            open: AtomicUsize::new(0),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            shared: shared.clone(),
        });
        if let Some(shared) = shared {
            let (weak, stopping) = (Arc::downgrade(&live), live.stopping.clone());
            tokio::spawn(shared.listen(stopping, move |owner, text| {
                if let Some(live) = weak.upgrade() {
                    live.tell(owner, &text);
                }
            }));
        }
        live
    }

    /// How many sockets are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Tells the user's sockets, on whichever replica they are.
    async fn publish(&self, owner: Uuid, text: String) {
        match &self.shared {
            // It comes back to us as to every other replica.
            Some(shared) => shared.publish(owner, &text).await,
            None => self.tell(owner, &text),
        }
    }

    fn tell(&self, owner: Uuid, text: &str) {
        if let Some(sender) = self.users().get(&owner) {
            // An error says that nobody listens any more.
            let _ = sender.send(text.into());
        }
    }

    /// A place for one more socket of the user; `None` if there are too many.
    fn join(self: &Arc<Self>, user: Uuid) -> Option<Seat> {
        let mut users = self.users();
        let own = users.get(&user).map_or(0, broadcast::Sender::receiver_count);
        if own >= MOST_OF_A_USER || self.open() >= MOST || self.stopping.is_cancelled() {
            return None;
        }
        // Not before: who is refused must not leave an entry that no seat would take out again.
        let sender = users.entry(user).or_insert_with(|| broadcast::Sender::new(BACKLOG));
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(Seat { events: Some(sender.subscribe()), user, live: Arc::clone(self) })
    }

    fn users(&self) -> MutexGuard<'_, HashMap<Uuid, broadcast::Sender<Arc<str>>>> {
        // A panic leaves the map whole.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: sockets_on_shutdown
    /// Says goodbye to every socket and waits until all are closed. An upgraded connection is no request in flight any more:
    /// the server's own waiting does not see it.
    pub(crate) async fn close(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
    // ANCHOR_END: sockets_on_shutdown
}

/// A place of one socket. It is free again when this is dropped.
struct Seat {
    /// `None` only while it is dropped.
    events: Option<broadcast::Receiver<Arc<str>>>,
    user: Uuid,
    live: Arc<Live>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.events = None;
        self.live.open.fetch_sub(1, Ordering::Relaxed);
        let mut users = self.live.users();
        if users.get(&self.user).is_some_and(|sender| sender.receiver_count() == 0) {
            users.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_user_has_five_seats_and_nobody_without_one_is_remembered() {
        let (live, user) = (Live::new(None), Uuid::from_u128(7));
        let seats: Vec<Seat> = (0..MOST_OF_A_USER).map(|_| live.join(user).unwrap()).collect();
        assert!(live.join(user).is_none(), "a sixth");
        drop(seats);
        assert!(live.users().is_empty() && live.open() == 0, "the seats are free again");

        live.close().await;

        assert!(live.join(user).is_none(), "the service stops");
        assert!(live.users().is_empty(), "who was refused is remembered");
    }
}
