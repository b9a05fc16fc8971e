//! The user behind a request: found once, by a layer around every guarded route.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sessions::seconds;
use crate::{error::ApiError, state::AppState, users::UserRow};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Role {
    /// Works with their own things.
    User,
    /// Looks after the service.
    Admin,
}

/// The user who makes the request, as the database says right now.
#[derive(Clone, Debug)]
pub struct CurrentUser {
    /// The user's identifier.
    pub id: Uuid,
    /// The address.
    pub email: String,
    /// The name to show.
    pub name: String,
    /// What the user may do: read from the record, never from the token.
    pub role: Role,
    /// When the account was made.
    pub created_at: OffsetDateTime,
}

// ANCHOR: current_user
/// Lets a request through if its token is good, its session is alive, and its user exists.
///
/// Session and user are read on every request, in one statement. That is the price of a logout that bites at once.
pub(crate) async fn require_user(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let token = bearer(request.headers())?;
    let subject = state.access_tokens.check(token, state.clock.now()).ok_or(ApiError::InvalidToken)?;
    let user: Option<UserRow> = sqlx::query_as(
        "SELECT users.id, users.email, users.name, users.role, users.created_at
         FROM sessions JOIN users ON users.id = sessions.user_id
         WHERE sessions.id = ? AND users.id = ? AND sessions.revoked_at IS NULL AND sessions.expires_at > ?",
    )
    .bind(subject.session)
    .bind(subject.user)
    .bind(seconds(state.clock.now()))
    .fetch_optional(&state.db)
    .await?;
    // A token of nobody is a bad token: 404 would tell that the account is gone.
    let user: CurrentUser = user.ok_or(ApiError::InvalidToken)?.into();
    // Kept with the request: extractors that need the user find it here and do not ask again.
    request.extensions_mut().insert(user);
    Ok(next.run(request).await)
}
// ANCHOR_END: current_user

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Outside the guard there is no user, and a handler that needs one stays shut.
        parts.extensions.get().cloned().ok_or(ApiError::AuthenticationRequired)
    }
}

/// The token in the one `Authorization` header. The scheme's name may be in any case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(ApiError::AuthenticationRequired)?;
    if values.next().is_some() {
        return Err(ApiError::InvalidRequest("there is more than one Authorization header".to_owned()));
    }
    let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ').ok_or(ApiError::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(ApiError::AuthenticationRequired) }
}
