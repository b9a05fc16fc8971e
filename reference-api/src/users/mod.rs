//! Users: who they are, as they see themselves, and as an administrator sees them.

mod address;
mod admin;
mod me;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use self::{address::Address, admin::MakeAdminError};
pub(crate) use self::{
    address::AddressRow,
    admin::{make_admin, router as admin_router},
};
use crate::{
    auth::{CurrentUser, Email, Role},
    db::{Executor, ReadRow, Transaction, moment},
    error::ApiError,
    state::AppState,
};

/// The routes of the own account; all of them need a login.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(me::get_me, me::update_me, me::delete_me))
}

/// A row of `users`, without the hash: what is not selected cannot leak.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct UserRow {
    pub(crate) id: Uuid,
    email: Email,
    name: String,
    role: Role,
    created_at: OffsetDateTime,
    version: i64,
    #[sqlx(flatten)]
    address: AddressRow,
}

impl ReadRow for UserRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            email: row.get(1)?,
            name: row.get(2)?,
            role: row.get(3)?,
            created_at: moment(row, 4)?,
            version: row.get(5)?,
            address: AddressRow { street: row.get(6)?, city: row.get(7)?, country: row.get(8)? },
        })
    }
}

impl UserRow {
    /// The user who makes a request in that session.
    pub(crate) fn in_session(self, session: Uuid) -> CurrentUser {
        let Self { id, email, name, role, created_at, version, address } = self;
        CurrentUser { id, session, email, name, role, address: address.into(), created_at, version }
    }
}

impl From<UserRow> for UserResponse {
    fn from(UserRow { id, email, name, role, created_at, version, address }: UserRow) -> Self {
        Self { id, email, name, role, address: address.into(), created_at, version }
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
    #[schema(required)]
    address: Option<Address>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Raised by every change. In quotes it is the account's `ETag`.
    #[schema(example = 1)]
    pub(crate) version: i64,
}

impl From<CurrentUser> for UserResponse {
    fn from(user: CurrentUser) -> Self {
        let CurrentUser { id, session: _, email, name, role, address, created_at, version } = user;
        Self { id, email, name, role, address, created_at, version }
    }
}

// ANCHOR: last_admin
/// Refuses what would leave nobody to look after the service.
///
/// All administrators are locked, always in the same order, before anything else is: of two who step down at the same moment
/// the second counts again after the first. If each locked only the own row, both would find the other one still there.
async fn keep_another_admin(tx: &mut Transaction, leaving: Uuid) -> Result<(), ApiError> {
    let admins: Vec<(Uuid,)> = tx
        .query("SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id")
        .for_update()
        .fetch_all()
        .await?;
    if admins.iter().any(|(id,)| *id == leaving) && admins.len() == 1 {
        return Err(ApiError::Conflict("this is the last administrator; make another one first"));
    }
    Ok(())
}
// ANCHOR_END: last_admin
