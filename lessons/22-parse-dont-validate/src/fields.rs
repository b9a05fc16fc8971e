//! The types of the sign-up. Whoever holds one of them holds a value that keeps its rule: there is no other way to it.
//!
//! The field of each is private, so that only this module can make one:
//!
//! ```compile_fail,E0423
//! let nobody = parse_dont_validate::fields::Username(String::new());
//! ```
//!
//! And a function that takes one cannot be called with a text that nobody looked at:
//!
//! ```compile_fail,E0308
//! fn greet(_: &parse_dont_validate::fields::Username) {}
//! greet(&String::from("ada"));
//! ```

use serde::{Deserialize, Serialize};

// ANCHOR: username
/// 3 to 20 characters out of `a` to `z`, `0` to `9` and `_`. Capital letters become small ones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
// Without this line the derive would write the private field itself, past the check below.
#[serde(try_from = "String")]
pub struct Username(String);

impl TryFrom<String> for Username {
    type Error = &'static str;

    fn try_from(mut text: String) -> Result<Self, Self::Error> {
        text.make_ascii_lowercase();
        // ASCII, not `is_alphanumeric`: Unicode has some hundred thousand letters, and many look like `a`.
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (3..=20).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err("must be 3 to 20 letters from a to z, digits or underscores")
        }
    }
}
// ANCHOR_END: username

/// An address in the one spelling that we store: no space around it, small letters, ASCII.
///
/// Whether there is a mailbox is known only when a mail has arrived, so the rule asks for little.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct Email(String);

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim().to_ascii_lowercase();
        let whole = text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
        });
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && text.matches('@').count() == 1;
        // RFC 5321 §4.5.3.1.3 leaves 254 characters for an address.
        if whole && plain && text.len() <= 254 { Ok(Self(text)) } else { Err("must be an e-mail address") }
    }
}

/// Whole years, 18 to 120.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub struct Age(u8);

impl TryFrom<i64> for Age {
    type Error = &'static str;

    fn try_from(years: i64) -> Result<Self, Self::Error> {
        match u8::try_from(years) {
            Ok(years @ 18..=120) => Ok(Self(years)),
            _ => Err("must be from 18 to 120"),
        }
    }
}

impl Username {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Age {
    /// The years.
    pub fn years(self) -> u8 {
        self.0
    }
}
