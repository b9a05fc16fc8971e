//! The request's transaction: committed when the answer is a success, rolled back when it is anything else.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
    middleware::Next,
    response::Response,
};

use crate::{
    db::{Db, Transaction},
    error::ApiError,
    state::AppState,
};

/// Where the transaction of a request waits while nobody works with it.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<Mutex<Option<Transaction>>>);

impl Slot {
    fn take(&self) -> Option<Transaction> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, transaction: Transaction) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(transaction);
    }
}

// ANCHOR: transaction_layer
/// Ends the transaction of a request, before its answer leaves: what was answered with a success is stored by then, and a
/// commit that fails is an error that the client sees.
///
/// Every other way out rolls back, because a transaction that is dropped is rolled back: an error that the handler answers, a
/// panic that unwinds through here, and a client that hangs up, whose request is dropped where it waits.
pub(crate) async fn commit_on_success(mut request: Request, next: Next) -> Result<Response, ApiError> {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    if let Some(transaction) = slot.take()
        && response.status().is_success()
    {
        transaction.commit().await?;
    }
    Ok(response)
}
// ANCHOR_END: transaction_layer

// ANCHOR: transaction_extractor
/// The transaction of this request. All who ask for it in one request get the same.
///
/// It is opened by the first [`Tx::begin`] and not by the extractor: a body that takes seconds to arrive would be read with
/// SQLite's only right to write in hand.
#[derive(Debug)]
pub(crate) struct Tx {
    db: Db,
    slot: Slot,
}

impl Tx {
    /// Opens the transaction, or goes on with the one that is open.
    pub(crate) async fn begin(&self) -> Result<Lent, ApiError> {
        let transaction = match self.slot.take() {
            Some(open) => open,
            None => self.db.begin().await?,
        };
        Ok(Lent { transaction: Some(transaction), slot: self.slot.clone() })
    }
}

impl FromRequestParts<AppState> for Tx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let slot = parts.extensions.get::<Slot>().cloned();
        // Without the layer nobody would commit, and every write would be lost in silence.
        let slot =
            slot.ok_or_else(|| ApiError::internal("this route has no `commit_on_success` around it"))?;
        Ok(Self { db: state.db.clone(), slot })
    }
}

/// The open transaction, for as long as one function works with it. Dropped, it goes back to the request.
#[derive(Debug)]
pub(crate) struct Lent {
    /// `None` only while it is dropped.
    transaction: Option<Transaction>,
    slot: Slot,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.slot.put(transaction);
        }
    }
}
// ANCHOR_END: transaction_extractor

#[expect(clippy::expect_used, reason = "it is taken out by `drop` alone")]
impl Deref for Lent {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        self.transaction.as_ref().expect("not dropped yet")
    }
}

#[expect(clippy::expect_used, reason = "it is taken out by `drop` alone")]
impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Transaction {
        self.transaction.as_mut().expect("not dropped yet")
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::{Pin, pin},
        task::{Context, Poll},
    };

    use axum::{
        Router,
        body::{Body, Bytes, HttpBody},
        extract::Path,
        http::StatusCode,
        middleware::from_fn,
        routing::post,
    };
    use hyper::body::Frame;
    use serde_json::json;
    use tokio::sync::Notify;

    use super::*;
    use crate::{
        db::Executor,
        testing::{ADA, TestApp},
    };

    const RENAME: &str = "UPDATE users SET name = 'renamed'";

    /// Writes, and then ends in the way that the path says.
    async fn write(first: Tx, second: Tx, Path(end): Path<String>) -> Result<StatusCode, ApiError> {
        first.begin().await?.query(RENAME).execute().await?;
        // Whoever asks for the transaction later in the request sees what was written earlier in it.
        let mut tx = second.begin().await?;
        let (name,): (String,) = tx.query("SELECT name FROM users").fetch_one().await?;
        assert_eq!(name, "renamed");
        match end.as_str() {
            "success" => Ok(StatusCode::NO_CONTENT),
            "error" => Err(ApiError::Conflict("after the write")),
            _ => panic!("after the write"),
        }
    }

    fn with_route(app: &TestApp) -> TestApp {
        let routes = Router::new().route("/write/{end}", post(write)).route_layer(from_fn(commit_on_success));
        let routes = routes.with_state(app.state().clone());
        app.behind(crate::layers::around(routes, app.state()))
    }

    #[tokio::test]
    async fn a_success_is_stored_and_an_error_or_a_panic_leaves_no_trace() {
        for app in TestApp::start_on_each_engine().await {
            app.register(&ADA).await;
            let written = with_route(&app);
            for (end, status, name) in [
                ("error", StatusCode::CONFLICT, ADA.name),
                ("panic", StatusCode::INTERNAL_SERVER_ERROR, ADA.name),
                ("success", StatusCode::NO_CONTENT, "renamed"),
            ] {
                let answer = written.send("post", &format!("/write/{end}"), None).await;
                assert_eq!(answer.status(), status, "{app:?} {end}");
                assert_eq!(app.text("SELECT name FROM users").await, name, "{app:?} {end}");
            }
        }
    }

    #[tokio::test]
    async fn a_route_without_the_layer_fails_instead_of_losing_what_it_writes() {
        let app = TestApp::start().await;
        app.register(&ADA).await;
        let routes = Router::new().route("/write/{end}", post(write)).with_state(app.state().clone());
        let routes = crate::layers::around(routes, app.state());

        let answer = app.behind(routes).send("post", "/write/success", None).await;

        answer.assert_problem(StatusCode::INTERNAL_SERVER_ERROR, "internal");
        assert_eq!(app.text("SELECT name FROM users").await, ADA.name);
    }

    #[tokio::test]
    async fn p03_a_client_that_hangs_up_at_any_await_leaves_all_of_a_request_or_nothing() {
        for app in TestApp::start_on_each_engine().await {
            let session = app.session(&ADA).await;
            let mut finished = 0;
            for polls in 1.. {
                let key = format!("key-{polls}");
                let body = json!({ "title": "Umbrella" });
                let headers = [("idempotency-key", key.as_str())];
                let request = app.request_as(&session.access, "POST", "/api/v1/items", &headers, Some(&body));
                finished += i64::from(app.cut_after(polls, request).await);

                // The item and the key that remembers it come together or not at all. Asked in one statement: a commit that
                // was on its way when the request was cut may come to its end at any moment.
                let alone = "SELECT (SELECT count(*) FROM items) - (SELECT count(*) FROM idempotency_keys)";
                assert_eq!(app.count(alone).await, 0, "{app:?} after {polls} polls");
                // It also shows that the connection is back: there are four, and more requests than that were cut.
                let items = app.count("SELECT count(*) FROM items").await;
                assert!(items >= finished, "{app:?}: an item that was answered with 201 is gone");
                if finished == 3 {
                    // How often a request waits is up to the database; that some were cut is not.
                    assert!(polls > 3, "{app:?}: no request was cut");
                    break;
                }
            }
        }
    }

    /// A body that says when somebody waits for it.
    struct NeverComes(Arc<Notify>);

    impl HttpBody for NeverComes {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.notify_one();
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_is_still_on_its_way_holds_no_transaction() {
        let app = TestApp::start_on_sqlite().await;
        let session = app.session(&ADA).await;
        let asked = Arc::new(Notify::new());
        let body = Body::new(NeverComes(Arc::clone(&asked)));
        let slow = Request::post("/api/v1/items")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", session.access))
            .body(body)
            .unwrap();
        let mut slow = pin!(app.raw(slow));
        tokio::select! {
            _ = &mut slow => panic!("answered without its body"),
            () = asked.notified() => (),
        }

        // There is one connection in this test. A transaction that is open would hold it.
        app.create_item(&session, "Umbrella").await;
    }
}
