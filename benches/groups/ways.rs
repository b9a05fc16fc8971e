//! The ways to read one body. The benchmark times them, and `allocations.rs` counts what each asks of the allocator.

use std::{borrow::Cow, hint::black_box};

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use wire_contracts::right::UpdateUser;

/// The body of a PATCH with two fields.
pub(crate) const BODY: &str = r#"{"name":"Ada Lovelace","bio":null}"#;

/// A way, by its name: whether the body could be read.
pub(crate) type Way = (&'static str, fn(&str) -> bool);

/// All of them.
pub(crate) const WAYS: [Way; 4] = [
    // Walks over the JSON and keeps nothing.
    ("keep-nothing", |body| read::<IgnoredAny>(body)),
    ("any-value", |body| read::<serde_json::Value>(body)),
    ("typed", |body| read::<UpdateUser>(body)),
    ("borrowed", |body| read::<BorrowedUpdate<'_>>(body)),
];

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> bool {
    // Seen as a whole, or the compiler may leave out what nobody looks at, allocations among it.
    serde_json::from_str::<T>(black_box(body)).map(black_box).is_ok()
}

/// The lesson's type, with texts that stay in the body. It cannot outlive the body, so axum's `Json` cannot hand it to a
/// handler.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is timed is how the fields are read")]
struct BorrowedUpdate<'a> {
    #[serde(borrow, default, deserialize_with = "sent")]
    name: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "sent")]
    bio: Option<Option<Text<'a>>>,
}

/// A plain `&str` would refuse a text with an escape in it, such as `\n`: what it says does not stand in the body. And a
/// `Cow` inside of an `Option` would be read as owned: serde borrows only where the attribute stands beside it.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(
    #[serde(borrow)]
    #[expect(dead_code, reason = "what is timed is how it is read")]
    Cow<'a, str>,
);

fn sent<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
