//! mistake: looks at what it has before it adds a chunk, so a picture may be larger by one.
//! fails: an_upload_is_read_up_to_its_limit

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::{Deserialize, Deserializer, Serialize};
use tokio_stream::StreamExt as _;
use wire_contracts::users::{Contact, UserRow, Users, stand_in_hash};

fn app(users: Users) -> Router {
    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/{id}", get(read).patch(change))
        .route("/users/{id}/avatar", put(avatar))
        .with_state(users)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateUser {
    name: String,
    password: String,
    bio: Option<String>,
}

/// Outer `None`: absent. Inner `None`: sent as `null`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateUser {
    #[serde(default, deserialize_with = "sent")]
    name: Option<String>,
    #[serde(default, deserialize_with = "sent")]
    bio: Option<Option<String>>,
    #[serde(default, deserialize_with = "sent")]
    contact: Option<Option<Contact>>,
}

fn sent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Serialize)]
struct UserResponse {
    id: u64,
    name: String,
    role: String,
    bio: Option<String>,
    contact: Option<Contact>,
}

impl From<UserRow> for UserResponse {
    fn from(row: UserRow) -> Self {
        // No `..`: a new column does not compile until somebody has decided who may see it.
        let UserRow { id, name, role, bio, contact, password_hash: _ } = row;
        Self { id, name, role, bio, contact }
    }
}

async fn create(State(users): State<Users>, Json(new): Json<CreateUser>) -> (StatusCode, Json<UserResponse>) {
    let CreateUser { name, password, bio } = new;
    let password_hash = stand_in_hash(&password);
    let row = UserRow { id: 0, name, role: "user".to_owned(), bio, contact: None, password_hash };
    (StatusCode::CREATED, Json(users.insert(row).into()))
}

async fn read(State(users): State<Users>, Path(id): Path<u64>) -> Result<Json<UserResponse>, StatusCode> {
    users.find(id).map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

async fn list(State(users): State<Users>) -> Json<Vec<UserResponse>> {
    Json(users.all().into_iter().map(Into::into).collect())
}

async fn change(
    State(users): State<Users>,
    Path(id): Path<u64>,
    Json(change): Json<UpdateUser>,
) -> Result<Json<UserResponse>, StatusCode> {
    let changed = users.update(id, |row| {
        if let Some(name) = change.name {
            row.name = name;
        }
        if let Some(bio) = change.bio {
            row.bio = bio;
        }
        if let Some(contact) = change.contact {
            row.contact = contact;
        }
    });
    changed.map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

/// Where pictures are kept is not decided yet.
async fn avatar(body: Body) -> StatusCode {
    let mut chunks = body.into_data_stream();
    let mut read = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        if read > 64 * 1024 {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        read += chunk.len();
    }
    StatusCode::NO_CONTENT
}
