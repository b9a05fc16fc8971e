//! Fields of a PATCH: absent means *leave it*, `null` means *take it away*, a value means *put this there*.

use serde::{Deserialize, Deserializer};

// ANCHOR: patch_double_option
/// For `#[serde(default, deserialize_with = "present")]` on a field of type `Option<T>`: `None` means absent, and nothing else.
///
/// serde alone reads `null` and absent as the same `None`. This runs only where the field is there, and wraps whatever it
/// holds: `Option<Option<T>>` tells the three cases apart, and an `Option<T>` of something that cannot be taken away refuses
/// `null` as a value of the wrong type.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    value: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}
// ANCHOR_END: patch_double_option

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Change {
        #[serde(default, deserialize_with = "present")]
        title: Option<String>,
        #[serde(default, deserialize_with = "present")]
        note: Option<Option<String>>,
    }

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        let read = |text: &str| serde_json::from_str::<Change>(text);
        let note = |text: &str| read(text).unwrap().note;
        assert_eq!(note("{}"), None);
        assert_eq!(note(r#"{"note": null}"#), Some(None));
        assert_eq!(note(r#"{"note": "a"}"#), Some(Some("a".to_owned())));
        assert_eq!(read("{}").unwrap().title, None);
        assert!(read(r#"{"title": null}"#).unwrap_err().to_string().contains("null, expected a string"));
    }
}
