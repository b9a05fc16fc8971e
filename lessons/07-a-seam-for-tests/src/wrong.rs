//! What people write. Signing up and looking up work on all of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use lab::Probes;

use crate::{
    Answer, Fault, Member, Members, app,
    sqlite::{ADD, Sqlite, fault},
};

// ANCHOR: mock
/// Each call is answered with what the author of the test expects of the database.
#[derive(Debug)]
struct Mock;

impl Members for Mock {
    fn add(&self, _: Member) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn find<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Member>> {
        Box::pin(async { Ok(Some(ada())) })
    }

    fn list(&self) -> Answer<'_, Vec<Member>> {
        Box::pin(async { Ok(vec![ada()]) })
    }
}
// ANCHOR_END: mock

fn ada() -> Member {
    Member { email: "ada@example.org".to_owned(), name: "Ada".to_owned() }
}

/// The service on a mock.
pub async fn mock(_: Probes) -> Router {
    app(Arc::new(Mock))
}

// ANCHOR: loose_fake
/// A map instead of a table. It works, and nobody has compared the two.
#[derive(Debug, Default)]
pub struct LooseFake(Mutex<BTreeMap<String, Member>>);

impl Members for LooseFake {
    fn add(&self, member: Member) -> Answer<'_, ()> {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = !members.contains_key(&member.email);
        if free {
            members.insert(member.email.clone(), member);
        }
        Box::pin(async move { free.then_some(()).ok_or(Fault::Taken) })
    }
    // ANCHOR_END: loose_fake

    fn find<'a>(&'a self, email: &'a str) -> Answer<'a, Option<Member>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(email).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn list(&self) -> Answer<'_, Vec<Member>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        Box::pin(async move { Ok(all) })
    }
}

/// The service on a fake that is held to nothing.
pub async fn loose_fake(_: Probes) -> Router {
    app(Arc::new(LooseFake::default()))
}

/// A handler that speaks SQL.
#[expect(clippy::expect_used, reason = "without SQLite in memory there is nothing to show")]
pub async fn sqlx_in_the_handler(probes: Probes) -> Router {
    // ANCHOR: sqlx_in_the_handler
    async fn sign_up(
        State(sqlite): State<Sqlite>,
        Json(new): Json<Member>,
    ) -> Result<(StatusCode, Json<Member>), Fault> {
        if new.name.trim().is_empty() {
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(new)));
        }
        let insert = sqlx::query(sqlite.counted(ADD)).bind(&new.email).bind(&new.name);
        insert.execute(&sqlite.pool).await.map_err(fault)?;
        Ok((StatusCode::CREATED, Json(new)))
    }
    // ANCHOR_END: sqlx_in_the_handler

    let sqlite = Sqlite::in_memory(&probes).await.expect("SQLite in memory needs nothing but memory");
    Router::new().route("/members", post(sign_up)).with_state(sqlite)
}
