//! What is acceptable as a password: long enough, and not among the first that anybody would try.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::email::Email;
use crate::extract::Rules;

/// A longer one is refused, not cut: cutting would let two passwords be one.
const LONGEST: usize = 256;

/// 8,398 passwords that are tried first, in lower case, sorted by byte, one a line: those of at least eight characters of the
/// list that Django ships (by Royce Williams, from leaked ones; BSD-3-Clause), and long ones that people choose when a rule
/// asks for length.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password as it was received: nothing is trimmed, nothing is normalised. It cannot be printed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password, example = "a long walk in the rain", max_length = 256)]
pub(crate) struct Password(SecretString);

impl Password {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    // ANCHOR: password_rules
    /// For garde: long enough and not one of the first guesses. There is no rule about kinds of characters: such rules
    /// make passwords harder to remember and no harder to guess (NIST SP 800-63B-4 §3.1.1.2).
    pub(crate) fn acceptable(&self, rules: &Rules) -> garde::Result {
        let text = self.0.expose_secret();
        let length = text.chars().count();
        if length < rules.password_min {
            return Err(garde::Error::new(format!("length is lower than {}", rules.password_min)));
        }
        if length > LONGEST {
            return Err(garde::Error::new(format!("length is greater than {LONGEST}")));
        }
        if is_guessed_first(&text.to_lowercase()) {
            return Err(garde::Error::new("is among the first that anybody would try"));
        }
        Ok(())
    }

    // ANCHOR_END: password_rules

    /// Whether it holds the text, ignoring case.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.0.expose_secret().to_lowercase().contains(&text.to_lowercase())
    }
}

/// Whether an attacker's word list holds it, or a rule of one line makes it: a short unit again and again, or a run.
fn is_guessed_first(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().collect();
    let repeats = |unit: usize| letters.iter().zip(&letters[unit..]).all(|(one, next)| one == next);
    let steps = |by: i64| {
        letters.windows(2).all(|pair| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0])) == by)
    };
    // A unit of at most eight letters that fills the whole: `aaaa…`, `abcabc…`, `passwordpassword`.
    (1..=8).any(|unit| unit * 2 <= letters.len() && repeats(unit))
        || steps(1)
        || steps(-1)
        || is_common(lower)
}

/// Found by halving: a walk over all lines would cost a tenth of a millisecond in a debug build.
fn is_common(lower: &str) -> bool {
    let mut rest = COMMON;
    while !rest.is_empty() {
        // The line in the middle of what is left.
        let middle = rest.floor_char_boundary(rest.len() / 2);
        let begin = rest[..middle].rfind('\n').map_or(0, |end| end + 1);
        let end = rest[begin..].find('\n').map_or(rest.len(), |length| begin + length);
        match lower.cmp(&rest[begin..end]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = &rest[..begin],
            std::cmp::Ordering::Greater => rest = rest.get(end + 1..).unwrap_or_default(),
        }
    }
    false
}

/// For garde: acceptable as the password of the account with that address.
pub(super) fn acceptable_for(password: &Password, email: &Email, rules: &Rules) -> garde::Result {
    password.acceptable(rules)?;
    let name = email.local_part();
    // A name of two or three letters is inside many words that nobody would guess from it.
    if name.len() >= 4 && password.contains(name) {
        return Err(garde::Error::new("must not contain the name in the e-mail address"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Password {
        pub(in crate::auth) fn from_text(text: &str) -> Self {
            Self(text.to_owned().into())
        }
    }

    #[test]
    fn every_common_password_is_found_and_its_neighbours_are_not() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.is_sorted(), "the search needs the order");
        assert_eq!(lines.len(), 8398);
        for common in lines {
            assert!(is_common(common), "{common}");
            assert!(!is_common(&format!("{common}\u{0}")), "{common}");
        }
        assert!(!is_common("") && !is_common("\u{10ffff}"));
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", Password::from_text("a long walk in the rain")).contains("walk"));
    }

    #[test]
    fn runs_and_repetitions_are_guessed_first_and_sentences_are_not() {
        for easy in [
            "aaaaaaaaaaaaaaa",
            "abcabcabcabcabca",
            "abcdefghijklmnop",
            "ponmlkjihgfedcba",
            "1234567890123456",
        ] {
            assert!(is_guessed_first(easy), "{easy}");
        }
        for fine in ["a long walk in the rain", "twenty lower letters", "aaaaaaaaaaaaaab"] {
            assert!(!is_guessed_first(fine), "{fine}");
        }
    }
}
