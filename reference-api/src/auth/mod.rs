//! Accounts and sessions: register, log in, refresh, log out, change the password.
//!
//! Two kinds of token come out of a login. The access token (`access_token.rs`) is a signed JWT that lives for minutes. The
//! refresh token (`refresh_token.rs`) belongs to one row of `sessions` and is exchanged for the next pair. The row is read on
//! every request, so a logout bites at once; `current_user.rs` says what that costs.

pub mod access_token;
mod calibrate;
mod change_password;
mod current_password;
pub mod current_user;
mod email;
mod login;
mod logout;
mod logout_all;
mod own_sessions;
mod password_rules;
pub mod passwords;
mod refresh;
#[cfg(test)]
mod refresh_model;
pub mod refresh_token;
mod register;
pub(crate) mod secret;
mod sessions;
pub mod throttle;
mod token;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use calibrate::{Calibration, calibrate};
pub(crate) use current_password::{Confirmed, confirm};
pub use current_user::{Admin, CurrentUser, Role};
pub(crate) use current_user::{authenticate, bearer, require_user};
pub use email::Email;
pub(crate) use password_rules::Password;
pub use secret::KeyFileError;
pub(crate) use sessions::seconds;

use crate::state::AppState;

/// The routes that anybody may call: nobody can log in with a login.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register::register_user))
        .routes(routes!(login::login))
        .routes(routes!(token::log_in_with_form))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
}

/// The routes that need a login.
pub(crate) fn guarded_router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(own_sessions::list_sessions))
        .routes(routes!(own_sessions::end_session))
        .routes(routes!(logout_all::log_out_everywhere))
        .routes(routes!(change_password::change_password))
}
