//! What people write. Sign up, open the profile, change the name: every functional test is green.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use lab::Probes;
use serde::{Deserialize, Serialize};

use crate::{
    MIB_IN_MEMORY,
    users::{UserRow, Users, stand_in_hash},
};

// ANCHOR: one_struct
/// The user: row, request and response in one.
#[derive(Debug, Deserialize, Serialize)]
struct User {
    #[serde(default)]
    id: u64,
    name: String,
    #[serde(default = "user")]
    role: String,
    bio: Option<String>,
    contact: Option<Contact>,
    #[serde(default, skip_serializing)]
    password: String,
    #[serde(default)]
    password_hash: String,
}

/// Told apart by their fields: no extra `type` that clients would have to send.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Contact {
    Mail { by: Mail, address: String },
    Phone { by: Phone, number: String },
}
// ANCHOR_END: one_struct

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mail {
    Mail,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Phone {
    Phone,
}

fn user() -> String {
    "user".to_owned()
}

impl From<Contact> for crate::users::Contact {
    fn from(contact: Contact) -> Self {
        match contact {
            Contact::Mail { address, .. } => Self::Mail { address },
            Contact::Phone { number, .. } => Self::Phone { number },
        }
    }
}

impl From<crate::users::Contact> for Contact {
    fn from(contact: crate::users::Contact) -> Self {
        match contact {
            crate::users::Contact::Mail { address } => Self::Mail { by: Mail::Mail, address },
            crate::users::Contact::Phone { number } => Self::Phone { by: Phone::Phone, number },
        }
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, name, role, bio, contact, password_hash } = row;
        Self { id, name, role, bio, contact: contact.map(Into::into), password: String::new(), password_hash }
    }
}

impl User {
    fn into_row(self) -> UserRow {
        let password_hash = stand_in_hash(&self.password);
        let Self { id, name, role, bio, contact, .. } = self;
        UserRow { id, name, role, bio, contact: contact.map(Into::into), password_hash }
    }
}

async fn create(State(users): State<Users>, Json(user): Json<User>) -> (StatusCode, Json<User>) {
    (StatusCode::CREATED, Json(users.insert(user.into_row()).into()))
}

async fn read(State(users): State<Users>, Path(id): Path<u64>) -> Result<Json<User>, StatusCode> {
    users.find(id).map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

// ANCHOR: merge
/// What may be changed: what is there is taken over, what is not stays.
#[derive(Debug, Deserialize)]
struct Change {
    name: Option<String>,
    bio: Option<String>,
    contact: Option<Contact>,
}

fn merge(row: &mut UserRow, change: Change) {
    if let Some(name) = change.name {
        row.name = name;
    }
    // `null` and "not sent" are the same `None`. A bio can be written, and never be deleted.
    if let Some(bio) = change.bio {
        row.bio = Some(bio);
    }
    if let Some(contact) = change.contact {
        row.contact = Some(contact.into());
    }
}
// ANCHOR_END: merge

async fn change(
    State(users): State<Users>,
    Path(id): Path<u64>,
    Json(change): Json<Change>,
) -> Result<Json<User>, StatusCode> {
    users.update(id, |row| merge(row, change)).map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

async fn list(State(users): State<Users>) -> Json<Vec<User>> {
    Json(users.all().into_iter().map(Into::into).collect())
}

/// One struct is row, request and response.
pub async fn one_struct(_: Probes) -> Router {
    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/{id}", get(read).patch(change))
        .with_state(Users::default())
}

/// What a profile shows: nobody forgets the hash here.
#[derive(Debug, Serialize)]
struct UserResponse {
    id: u64,
    name: String,
    role: String,
    bio: Option<String>,
}

impl From<UserRow> for UserResponse {
    fn from(row: UserRow) -> Self {
        let UserRow { id, name, role, bio, .. } = row;
        Self { id, name, role, bio }
    }
}

/// The profile and the sign-up have a response type. The list and the change came later.
pub async fn a_response_type(_: Probes) -> Router {
    async fn create(State(users): State<Users>, Json(user): Json<User>) -> (StatusCode, Json<UserResponse>) {
        (StatusCode::CREATED, Json(users.insert(user.into_row()).into()))
    }

    async fn read(State(users): State<Users>, Path(id): Path<u64>) -> Result<Json<UserResponse>, StatusCode> {
        users.find(id).map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
    }

    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/{id}", get(read).patch(change))
        .with_state(Users::default())
}

/// Reads a picture by hand, since no extractor fits.
pub async fn read_it_all(probes: Probes) -> Router {
    // ANCHOR: read_it_all
    let taken = probes.counter(MIB_IN_MEMORY);
    let upload = async move |body: Body| {
        // `Json` and `Bytes` stop at 2 MB. Whoever reads the body by hand has left that limit behind.
        let picture = to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST)?;
        for _ in 0..picture.len() >> 20 {
            taken.add_one();
        }
        Ok::<_, StatusCode>(StatusCode::NO_CONTENT)
    };
    // ANCHOR_END: read_it_all
    Router::new().route("/users/{id}/avatar", put(upload))
}
