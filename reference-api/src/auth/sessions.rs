//! A session: one login, and the tokens that descend from it.

use serde::Serialize;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{auth::access_token::Subject, clock::new_id, db::Executor, error::ApiError, state::AppState};

/// A pair of tokens. It has no `Debug`, which would print them.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensResponse {
    /// Opens the API. Send it as `Authorization: Bearer …`.
    pub(crate) access_token: String,
    /// What kind of access token it is: always `Bearer`.
    #[schema(example = "Bearer")]
    pub(crate) token_type: &'static str,
    /// How long the access token lives, in seconds.
    #[schema(example = 900)]
    pub(crate) expires_in: i64,
    /// Gets the next pair, once.
    pub(crate) refresh_token: String,
}

impl TokensResponse {
    /// The pair of that generation.
    pub(crate) fn of(state: &AppState, subject: Subject, generation: u32) -> Result<Self, ApiError> {
        Ok(Self {
            access_token: state.access_tokens.issue(
                subject,
                new_id(&*state.clock, &*state.random),
                state.clock.now(),
            )?,
            token_type: "Bearer",
            expires_in: state.access_tokens.seconds(),
            refresh_token: state.refresh_tokens.issue(subject.session, generation),
        })
    }
}

/// Begins a session for a user who has just shown who they are.
pub(super) async fn begin(
    state: &AppState,
    db: impl Executor<'_>,
    user: Uuid,
) -> Result<TokensResponse, ApiError> {
    let session = new_id(&*state.clock, &*state.random);
    let now = state.clock.now();
    let end = now + Duration::days(i64::from(state.settings.session_days));
    db.query(
        "INSERT INTO sessions (id, user_id, created_at, rotated_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(session)
    .bind(user)
    .bind(seconds(now))
    .bind(seconds(now))
    .bind(seconds(end))
    .execute()
    .await?;
    TokensResponse::of(state, Subject { user, session }, 0)
}

/// Ends all sessions of the user.
pub(super) async fn end_all(db: impl Executor<'_>, user: Uuid, now: OffsetDateTime) -> Result<(), ApiError> {
    db.query("UPDATE sessions SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL")
        .bind(seconds(now))
        .bind(user)
        .execute()
        .await?;
    Ok(())
}

/// Whole seconds since 1970: what the table of sessions compares.
pub(crate) fn seconds(moment: OffsetDateTime) -> i64 {
    moment.unix_timestamp()
}
