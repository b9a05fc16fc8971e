//! mistake: stores field by field while it reads, so what is refused at the third field has changed two.
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
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
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
    Json(change): Json<Map<String, Value>>,
) -> Result<Json<UserResponse>, (StatusCode, String)> {
    let refused = |what: String| (StatusCode::UNPROCESSABLE_ENTITY, what);
    for (field, value) in change {
        let wrong = |error: serde_json::Error| refused(format!("{field}: {error}"));
        match field.as_str() {
            "name" => {
                let name = serde_json::from_value(value).map_err(wrong)?;
                users.update(id, |row| row.name = name);
            }
            "bio" => {
                let bio = serde_json::from_value(value).map_err(wrong)?;
                users.update(id, |row| row.bio = bio);
            }
            "contact" => {
                let contact: Option<Contact> = serde_json::from_value(value).map_err(wrong)?;
                users.update(id, |row| row.contact = contact);
            }
            unknown => return Err(refused(format!("unknown field `{unknown}`"))),
        }
    }
    users.find(id).map(|row| Json(row.into())).ok_or((StatusCode::NOT_FOUND, "no such user".to_owned()))
}

/// Where pictures are kept is not decided yet.
async fn avatar(_: Bytes) -> StatusCode {
    StatusCode::NO_CONTENT
}
