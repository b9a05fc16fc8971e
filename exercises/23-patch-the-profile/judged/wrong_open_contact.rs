//! mistake: the contact has a request type of its own, which passes over what it does not know.
//! fails: a_request_sets_no_field_that_is_not_its_own

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::{Deserialize, Deserializer, Serialize};
use wire_contracts::users::{Contact, UserRow, Users, stand_in_hash};

fn app(users: Users) -> Router {
    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/{id}", get(read).patch(change))
        // `Bytes` obeys this limit, announced or not. It would not hold for a handler that takes the raw `Body`.
        .route("/users/{id}/avatar", put(avatar).layer(DefaultBodyLimit::max(64 * 1024)))
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
    contact: Option<Option<NewContact>>,
}

#[derive(Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
enum NewContact {
    Mail { address: String },
    Phone { number: String },
}

impl From<NewContact> for Contact {
    fn from(new: NewContact) -> Self {
        match new {
            NewContact::Mail { address } => Self::Mail { address },
            NewContact::Phone { number } => Self::Phone { number },
        }
    }
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
            row.contact = contact.map(Into::into);
        }
    });
    changed.map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

/// Where pictures are kept is not decided yet.
async fn avatar(_: Bytes) -> StatusCode {
    StatusCode::NO_CONTENT
}
