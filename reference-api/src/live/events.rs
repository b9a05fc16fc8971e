//! From a handler to the sockets and webhooks: an event is noted in the transaction, and told after the commit.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    db::Transaction,
    error::ApiError,
    state::AppState,
    webhooks::{self, Event},
};

/// What a request has to tell once it is committed.
#[derive(Clone, Debug, Default)]
struct Pending(Arc<Mutex<Vec<(Uuid, String)>>>);

// ANCHOR: announce_committed
/// Tells the sockets what a request has changed, after its transaction is committed: outside of the layer that commits.
/// A socket must not show what is rolled back a moment later.
pub(crate) async fn announce_committed(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let pending = Pending::default();
    request.extensions_mut().insert(pending.clone());
    let response = next.run(request).await;
    if response.status().is_success() {
        let events = std::mem::take(&mut *pending.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (owner, text) in events {
            state.live.publish(owner, text).await;
        }
    }
    response
}
// ANCHOR_END: announce_committed

/// Where a handler says what has happened.
pub(crate) struct Events {
    state: AppState,
    pending: Pending,
}

impl FromRequestParts<AppState> for Events {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let pending = parts.extensions.get::<Pending>().cloned();
        let pending =
            pending.ok_or_else(|| ApiError::internal("this route has no `announce_committed` around it"))?;
        Ok(Self { state: state.clone(), pending })
    }
}

impl Events {
    /// Notes what has happened to an item of that user: for the webhooks in the transaction, for the sockets until it is
    /// committed.
    pub(crate) async fn note(
        &self,
        transaction: &mut Transaction,
        owner: Uuid,
        kind: &str,
        item: &impl Serialize,
    ) -> Result<(), ApiError> {
        let event = Event {
            kind: kind.to_owned(),
            at: self.state.clock.now(),
            item: serde_json::to_value(item).map_err(ApiError::internal)?,
        };
        webhooks::announce(&self.state, transaction, owner, &event).await?;
        let text = serde_json::to_string(&event).map_err(ApiError::internal)?;
        self.pending.0.lock().unwrap_or_else(PoisonError::into_inner).push((owner, text));
        Ok(())
    }
}
