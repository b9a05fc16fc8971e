//! The current password, asked for once more: an access token that was found or stolen must not be enough for what cannot be
//! taken back.

use super::{
    CurrentUser,
    password_rules::Password,
    passwords::{Checked, Turn},
};
use crate::{db::Executor, error::ApiError, extract::ClientAddress, state::AppState};

/// The caller has shown that it knows the password.
pub(crate) struct Confirmed {
    /// Still held, for whoever hashes a new one. Drop it before a transaction begins.
    pub(crate) turn: Turn,
    /// The hash that the password was checked against. A statement that relies on the check names it in its `WHERE`: the
    /// password may be changed in between.
    pub(crate) hash: String,
}

/// Checks that this is the caller's password. A wrong one counts like a failed login.
///
/// # Errors
/// [`ApiError::InvalidCredentials`] if it is another one, [`ApiError::TooManyRequests`] after too many of these.
pub(crate) async fn confirm(
    state: &AppState,
    user: &CurrentUser,
    client: ClientAddress,
    password: Password,
) -> Result<Confirmed, ApiError> {
    // An open session must not be a way to guess at the password without limit.
    let attempt = state.throttle.attempt(&user.email, client.0);
    attempt.admit().await?;
    let (hash,): (String,) =
        state.db.query("SELECT password_hash FROM users WHERE id = $1").bind(user.id).fetch_one().await?;
    let turn = state.passwords.turn().await?;
    attempt.admit().await?;
    if state.passwords.check(&turn, password, Some(&hash)).await? == Checked::Wrong {
        attempt.failed().await?;
        return Err(ApiError::InvalidCredentials);
    }
    attempt.succeeded().await?;
    Ok(Confirmed { turn, hash })
}
