//! Users: who they are, as they see themselves.

mod me;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    auth::{CurrentUser, Email, Role},
    state::AppState,
};

/// The routes of users; all of them need a login.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(me::get_me))
}

/// A row of `users`, without the hash: what is not selected cannot leak.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct UserRow {
    pub(crate) id: Uuid,
    email: Email,
    name: String,
    role: Role,
    created_at: OffsetDateTime,
}

impl From<UserRow> for CurrentUser {
    fn from(UserRow { id, email, name, role, created_at }: UserRow) -> Self {
        Self { id, email, name, role, created_at }
    }
}

impl From<UserRow> for UserResponse {
    fn from(row: UserRow) -> Self {
        CurrentUser::from(row).into()
    }
}

/// An account, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserResponse {
    id: Uuid,
    email: Email,
    #[schema(example = "Ada Lovelace")]
    name: String,
    role: Role,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<CurrentUser> for UserResponse {
    fn from(CurrentUser { id, email, name, role, created_at }: CurrentUser) -> Self {
        Self { id, email, name, role, created_at }
    }
}
