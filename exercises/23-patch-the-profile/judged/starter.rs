//! The profile service, as it was handed over to you. Read `task.md` first.

#[path = "../checks.rs"]
mod checks;

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use wire_contracts::users::{Contact, UserRow, Users, stand_in_hash};

/// The service. The checks build it through this function: keep its name, its parameter and its type.
fn app(users: Users) -> Router {
    Router::new()
        .route("/users", post(create).get(list))
        .route("/users/{id}", get(read).patch(change))
        .route("/users/{id}/avatar", put(avatar))
        .with_state(users)
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct User {
    id: u64,
    name: Option<String>,
    #[serde(skip_serializing)]
    password: String,
    role: Option<String>,
    bio: Option<String>,
    contact: Option<Contact>,
    password_hash: String,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, name, role, bio, contact, password_hash } = row;
        Self { id, name: Some(name), role: Some(role), bio, contact, password_hash, ..Self::default() }
    }
}

async fn create(State(users): State<Users>, Json(user): Json<User>) -> (StatusCode, Json<User>) {
    let password_hash = stand_in_hash(&user.password);
    let (name, role) = (user.name.unwrap_or_default(), user.role.unwrap_or("user".to_owned()));
    let row = UserRow { id: 0, name, role, bio: user.bio, contact: user.contact, password_hash };
    (StatusCode::CREATED, Json(users.insert(row).into()))
}

async fn read(State(users): State<Users>, Path(id): Path<u64>) -> Result<Json<User>, StatusCode> {
    users.find(id).map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

async fn list(State(users): State<Users>) -> Json<Vec<User>> {
    Json(users.all().into_iter().map(Into::into).collect())
}

async fn change(
    State(users): State<Users>,
    Path(id): Path<u64>,
    Json(user): Json<User>,
) -> Result<Json<User>, StatusCode> {
    let changed = users.update(id, |row| {
        row.name = user.name.unwrap_or(row.name.clone());
        row.role = user.role.unwrap_or(row.role.clone());
        row.bio = user.bio.or(row.bio.clone());
        row.contact = user.contact.or(row.contact.clone());
    });
    changed.map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

/// Where pictures are kept is not decided yet.
async fn avatar(body: Body) -> Result<StatusCode, StatusCode> {
    to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(StatusCode::NO_CONTENT)
}
