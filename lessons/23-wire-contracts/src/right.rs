//! What holds: a type for each direction, names for what is refused, and a limit around what is read by hand.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use lab::Probes;
use serde::{Deserialize, Deserializer, Serialize};
use tower_http::limit::RequestBodyLimitLayer;

use crate::{
    MIB_IN_MEMORY, UPLOAD_LIMIT,
    users::{Contact, UserRow, Users, stand_in_hash},
};

// ANCHOR: requests
/// The body of `POST /users`. There is no `role` here, so nobody can send one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    name: String,
    password: String,
    bio: Option<String>,
}

/// The body of `PATCH /users/{id}`. What is absent stays as it is.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// A new name. It cannot be deleted: `null` is no `String`, and is refused.
    #[serde(default, deserialize_with = "sent")]
    pub name: Option<String>,
    /// Outer `None`: not sent. Inner `None`: sent as `null`, delete it.
    #[serde(default, deserialize_with = "sent")]
    pub bio: Option<Option<String>>,
    /// In the same way.
    #[serde(default, deserialize_with = "sent")]
    pub contact: Option<Option<Contact>>,
}

/// Called only for a field that is there, so what it returns is always `Some`. An absent one gets its `default`.
fn sent<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
// ANCHOR_END: requests

// ANCHOR: response
/// What everybody may see of a user.
#[derive(Debug, Serialize)]
pub struct UserResponse {
    id: u64,
    name: String,
    role: String,
    bio: Option<String>,
    contact: Option<Contact>,
}

impl From<UserRow> for UserResponse {
    fn from(row: UserRow) -> Self {
        // Every field is named, without `..`: a new column does not compile until somebody has decided who may see it.
        let UserRow { id, name, role, bio, contact, password_hash: _ } = row;
        Self { id, name, role, bio, contact }
    }
}
// ANCHOR_END: response

impl UpdateUser {
    fn apply(self, row: &mut UserRow) {
        let Self { name, bio, contact } = self;
        row.name = name.unwrap_or_else(|| std::mem::take(&mut row.name));
        row.bio = bio.unwrap_or_else(|| row.bio.take());
        row.contact = contact.unwrap_or_else(|| row.contact.take());
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

async fn change(
    State(users): State<Users>,
    Path(id): Path<u64>,
    Json(change): Json<UpdateUser>,
) -> Result<Json<UserResponse>, StatusCode> {
    users.update(id, |row| change.apply(row)).map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

async fn list(State(users): State<Users>) -> Json<Vec<UserResponse>> {
    Json(users.all().into_iter().map(Into::into).collect())
}

/// The service. Who may call what is the subject of lesson 13.
pub async fn three_types(_: Probes) -> Router {
    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/{id}", get(read).patch(change))
        .with_state(Users::default())
}

/// The same upload, behind a limit.
pub async fn limited(probes: Probes) -> Router {
    // ANCHOR: limited
    let taken = probes.counter(MIB_IN_MEMORY);
    let upload = async move |body: Body| {
        // The layer counts the bytes; the number here says it once more, for whoever moves this handler elsewhere.
        let picture = to_bytes(body, UPLOAD_LIMIT).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        for _ in 0..picture.len() >> 20 {
            taken.add_one();
        }
        Ok::<_, StatusCode>(StatusCode::NO_CONTENT)
    };
    // A body that announces more is refused before it is read; one that does not say how long it is, when it gets there.
    Router::new().route("/users/{id}/avatar", put(upload)).layer(RequestBodyLimitLayer::new(UPLOAD_LIMIT))
    // ANCHOR_END: limited
}
