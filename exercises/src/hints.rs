//! What an exercise's `hints.toml` says: how long it takes, which checks must pass, and three hints for each.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::KitError;

/// The hints of one exercise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hints {
    /// About how long the exercise takes.
    pub minutes: u32,
    /// The [`fingerprint`] of `checks.rs`, in hexadecimal. `cargo exercise prove` says what it should be.
    pub fingerprint: String,
    /// The checks, in the order in which a learner should mend what they find.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
    /// What is said beside the solution. The rules ask for it in every exercise of the kit.
    pub after: Option<After>,
}

/// What is worth knowing once the answer is right.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// What the solution and its alternative cost, and when one would take which.
    pub trade_off: String,
    /// What an interviewer would ask about it.
    pub question: String,
}

/// One check with its hints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The name of its test function.
    pub name: String,
    /// The stage that it belongs to, from 1. What belongs to a later stage is shown when all before it hold.
    #[serde(default = "first")]
    pub stage: u8,
    /// A nudge, the tool, and nearly the solution.
    pub hints: [String; 3],
}

fn first() -> u8 {
    1
}

impl Hints {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is missing, or is not as described here.
    pub fn read(path: &Path) -> Result<Self, KitError> {
        let text = fs::read_to_string(path)
            .map_err(|source| KitError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|error| KitError::Malformed { path: path.to_owned(), fault: error.to_string() })
    }

    /// How many stages the exercise has; most have one.
    pub fn stages(&self) -> u8 {
        self.checks.iter().map(|check| check.stage).max().unwrap_or(1)
    }

    /// The check of that name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}

/// The name of a check as a sentence: its words without the underscores.
pub fn sentence(check: &str) -> String {
    check.replace('_', " ")
}

/// FNV-1a with 64 bits (draft-eastlake-fnv) over the text, line ends aside. It tells an edited file from the shipped one; it
/// is no protection against somebody who wants to cheat, and there is nobody to cheat but oneself.
pub fn fingerprint(text: &str) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    // A checkout on Windows may have changed the line ends.
    let bytes = text.bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_of_a_published_text_is_the_published_one() {
        // Test vector of the FNV reference code for "foobar".
        assert_eq!(fingerprint("foobar"), "85944171f73967e8");
    }

    #[test]
    fn line_ends_do_not_change_a_fingerprint_and_a_letter_does() {
        assert_eq!(fingerprint("a\r\nb"), fingerprint("a\nb"));
        assert_ne!(fingerprint("a\nb"), fingerprint("a\nc"));
    }

    #[test]
    fn a_check_with_two_hints_is_refused_with_the_name_of_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            &file,
            "minutes = 1\nfingerprint = \"\"\n[[check]]\nname = \"a\"\nhints = [\"x\", \"y\"]\n",
        )
        .unwrap();

        let error = Hints::read(file.path()).unwrap_err().to_string();

        assert!(error.contains("array of length 3"), "{error}");
        assert!(error.starts_with(&file.path().display().to_string()), "{error}");
    }
}
