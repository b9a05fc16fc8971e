//! A JSON merge patch (RFC 7396), one level deep: what a client may edit is one document. The change is laid over it as JSON,
//! and the result is read as the document's type, which is where the rules are. The RFC goes on into inner objects; there, a
//! phone would be laid over a mail, and be both.
//!
//! One type instead of a second one with options in options, and a new field needs one line. It costs a conversion to JSON and back for
//! each change, and an error speaks of the whole document and not of what was sent.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tower_http::limit::RequestBodyLimitLayer;
use wire_contracts::users::{Contact, UserRow, Users, stand_in_hash};

fn app(users: Users) -> Router {
    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/{id}", get(read).patch(change))
        .with_state(users)
        .merge(
            Router::new()
                .route("/users/{id}/avatar", put(avatar))
                .layer(RequestBodyLimitLayer::new(64 * 1024)),
        )
}

/// What a client may edit.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
    bio: Option<String>,
    contact: Option<Contact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateUser {
    name: String,
    password: String,
    bio: Option<String>,
}

fn shown(row: &UserRow) -> Json<Value> {
    let UserRow { id, name, role, bio, contact, password_hash: _ } = row;
    Json(json!({ "id": id, "name": name, "role": role, "bio": bio, "contact": contact }))
}

async fn create(State(users): State<Users>, Json(new): Json<CreateUser>) -> (StatusCode, Json<Value>) {
    let CreateUser { name, password, bio } = new;
    let password_hash = stand_in_hash(&password);
    let row = UserRow { id: 0, name, role: "user".to_owned(), bio, contact: None, password_hash };
    (StatusCode::CREATED, shown(&users.insert(row)))
}

async fn read(State(users): State<Users>, Path(id): Path<u64>) -> Result<Json<Value>, StatusCode> {
    users.find(id).map(|row| shown(&row)).ok_or(StatusCode::NOT_FOUND)
}

async fn list(State(users): State<Users>) -> Json<Vec<Value>> {
    Json(users.all().iter().map(|row| shown(row).0).collect())
}

async fn change(
    State(users): State<Users>,
    Path(id): Path<u64>,
    Json(change): Json<Map<String, Value>>,
) -> Result<Json<Value>, Response> {
    let mut refused = None;
    // Read, laid over and written in one step: two changes at the same moment do not lose one another.
    let changed = users.update(id, |row| match laid_over(row, change) {
        Ok(Profile { name, bio, contact }) => {
            row.name = name;
            row.bio = bio;
            row.contact = contact;
        }
        Err(error) => refused = Some(error),
    });
    if let Some(error) = refused {
        return Err((StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": error }))).into_response());
    }
    changed.map(|row| shown(&row)).ok_or_else(|| StatusCode::NOT_FOUND.into_response())
}

fn laid_over(row: &UserRow, change: Map<String, Value>) -> Result<Profile, String> {
    let mut document = json!({ "name": row.name, "bio": row.bio, "contact": row.contact });
    for (field, value) in change {
        match (value, document.as_object_mut()) {
            // RFC 7396 removes what is null, and says nothing about what was never there. The contract does.
            (Value::Null, Some(fields)) => {
                fields.remove(&field).ok_or_else(|| format!("unknown field `{field}`"))?;
            }
            (value, Some(fields)) => drop(fields.insert(field, value)),
            (_, None) => {}
        }
    }
    serde_json::from_value(document).map_err(|error| error.to_string())
}

/// Where pictures are kept is not decided yet.
async fn avatar(body: Body) -> StatusCode {
    match to_bytes(body, 64 * 1024).await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
    }
}
