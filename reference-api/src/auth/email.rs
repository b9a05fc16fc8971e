//! An e-mail address, in the one spelling that we store.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// An address in lower case, ASCII only: two spellings of one mailbox must not be two accounts.
#[derive(Clone, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(transparent)]
#[sqlx(transparent)]
#[schema(value_type = String, format = Email, example = "ada@example.com", max_length = 254)]
pub struct Email(String);

impl Email {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub(crate) fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl rusqlite::types::FromSql for Email {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        value.as_str().map(|text| Self(text.to_owned()))
    }
}

/// Does not show the address, so that it reaches no log by way of a struct that holds it.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email")
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|mut text| {
            text.make_ascii_lowercase();
            Self(text)
        })
    }
}

/// For garde: whether it is an address at all.
pub(crate) fn acceptable<C>(email: &Email, _: &C) -> garde::Result {
    let text = email.as_str();
    // RFC 5321 §4.5.3.1.3 leaves 254 characters for an address.
    if text.len() > 254 || !text.is_ascii() {
        return Err(garde::Error::new("must be at most 254 characters, all of them ASCII"));
    }
    garde::rules::email::apply(&text, ()).map_err(|_| garde::Error::new("is not an e-mail address"))
}
