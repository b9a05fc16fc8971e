//! Extractors: what a handler needs from a request, checked before the handler runs.
//!
//! axum's own extractors answer mistakes as plain text with the parser's words. These answer problems.

mod accept;
mod body;
mod client_address;
mod form;
mod idempotency;
mod page;
mod patch;
mod path;
mod query;
mod text;
mod transaction;
mod version;

pub(crate) use accept::require_json_accepted;
pub use body::ValidJson;
pub use client_address::ClientAddress;
pub use form::UrlEncoded;
pub(crate) use idempotency::{InFlight, replay_repeated};
pub use page::{Page, PageMeta, PageParameters, PageQuery};
pub(crate) use patch::present;
pub use path::Id;
pub(crate) use query::Parameters;
pub(crate) use text::{folded, line, prose};
pub(crate) use transaction::{Tx, commit_on_success};
pub use version::{ETag, IfMatch, IfNoneMatch};

use crate::{problem::FieldError, settings::Settings};

/// What validation may depend on besides the value.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The shortest password that is accepted, in characters.
    pub password_min: usize,
    /// Whether webhooks may lead into private networks.
    pub webhooks_allow_private: bool,
}

impl From<&Settings> for Rules {
    fn from(settings: &Settings) -> Self {
        Self { password_min: settings.password_min, webhooks_allow_private: settings.webhooks_allow_private }
    }
}

/// Every fault of a value, with pointers into the body.
fn field_errors(report: &garde::Report) -> Vec<FieldError> {
    let errors = report.iter().map(|(path, error)| FieldError {
        pointer: pointer(&path.to_string()),
        code: code(error.message()),
        detail: error.message().to_owned(),
    });
    errors.collect()
}

/// `lines[1].quantity` becomes `/lines/1/quantity` (RFC 6901).
fn pointer(path: &str) -> String {
    let segments = path.split(['.', '[', ']']).filter(|segment| !segment.is_empty());
    segments.map(|segment| format!("/{segment}")).collect()
}

/// garde has texts and no codes; programs need something that does not change with the wording.
fn code(message: &str) -> &'static str {
    if message.starts_with("is before") {
        "out_of_order"
    } else if message.starts_with("length is lower") {
        "too_short"
    } else if message.starts_with("length is greater") {
        "too_long"
    } else {
        "invalid"
    }
}
