//! What is known about the strength of the checks: the content of `exercises/strength.toml`.
//!
//! `cargo exercise mutate` writes it, a person adds why a change may pass, `cargo exercise prove` and `cargo test` look that
//! nothing is missing or out of date, and the book shows it.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    hints::fingerprint,
    kit::{Exercise, Kit, KitError},
    store,
};

/// What is known about all exercises.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Strength {
    /// One entry for each exercise that was examined, by number.
    #[serde(rename = "exercise", default)]
    pub exercises: Vec<Examined>,
    /// The exercises that are too new to have been examined. The entry goes when the exercise is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
}

/// What is known about one exercise.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Examined {
    /// The exercise.
    pub number: u8,
    /// As [`of_files`] gave it. Another one means: examine again.
    pub fingerprint: String,
    /// How many changed solutions compile.
    pub mutants: usize,
    /// How many of them the checks refuse.
    pub killed: usize,
    /// Those that pass.
    #[serde(default)]
    pub survivors: Vec<Survivor>,
}

/// A changed solution that passes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Survivor {
    /// The change.
    pub mutant: String,
    /// Why it may pass, written by a person.
    #[serde(default)]
    pub because: String,
}

/// An exercise that is still to be examined.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The exercise.
    pub number: u8,
    /// What it waits for.
    pub because: String,
}

impl Strength {
    /// What is kept in the kit.
    ///
    /// # Errors
    /// If the file is not as it should be.
    pub fn read(kit: &Kit) -> Result<Self, KitError> {
        let path = file(kit);
        match fs::read_to_string(&path) {
            Ok(text) => {
                toml::from_str(&text).map_err(|error| KitError::Malformed { path, fault: error.to_string() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(KitError::Unreadable { path, source }),
        }
    }

    /// What is known about one exercise.
    pub fn of(&self, exercise: &Exercise) -> Option<&Examined> {
        self.exercises.iter().find(|examined| examined.number == exercise.number)
    }

    /// What is missing or out of date about one exercise, in words. None is good.
    ///
    /// # Errors
    /// If a file of the exercise cannot be read.
    pub fn faults(&self, exercise: &Exercise) -> Result<Vec<String>, KitError> {
        let pending = self.pending.iter().any(|pending| pending.number == exercise.number);
        Ok(faults(exercise.number, self.of(exercise), &of_files(exercise)?, pending))
    }

    /// Keeps it in the kit.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, kit: &Kit) -> io::Result<()> {
        let text = toml::to_string_pretty(self).map_err(io::Error::other)?;
        let head = "# How many changed solutions the checks of each exercise refuse: written by `cargo exercise mutate`.\n\
                    # A change that passes needs a reason in `because`; it is kept when the exercise is examined again.\n\n";
        store::replace(&file(kit), format!("{head}{text}").as_bytes())
    }
}

fn faults(number: u8, examined: Option<&Examined>, now: &str, pending: bool) -> Vec<String> {
    let again = format!("run `cargo exercise mutate {number:02}` (it needs cargo-mutants)");
    let Some(examined) = examined else {
        let missing = format!("nobody has examined how strong the checks are: {again}");
        return if pending { Vec::new() } else { vec![missing] };
    };
    let mut faults = Vec::new();
    if pending {
        faults.push("strength.toml has examined it and still calls it pending".to_owned());
    }
    if examined.fingerprint != now {
        faults.push(format!("solution or checks have changed since their strength was examined: {again}"));
    }
    if examined.killed + examined.survivors.len() != examined.mutants {
        faults.push(format!("the figures in strength.toml do not add up: {again}"));
    }
    let unexplained = examined.survivors.iter().filter(|survivor| survivor.because.trim().is_empty());
    faults.extend(unexplained.map(|survivor| {
        format!(
            "passes, and strength.toml gives no reason: {}. Mend the checks, or fill `because`",
            survivor.mutant
        )
    }));
    faults
}

/// The [`fingerprint`] of the solution and the checks together.
///
/// # Errors
/// If a file cannot be read.
pub fn of_files(exercise: &Exercise) -> Result<String, KitError> {
    let read = |path: PathBuf| {
        fs::read_to_string(&path)
            .map(|text| text.replace("\r\n", "\n"))
            .map_err(|source| KitError::Unreadable { path, source })
    };
    let both = read(exercise.judged("solution"))? + &read(exercise.folder.join("checks.rs"))?;
    Ok(fingerprint(&both))
}

fn file(kit: &Kit) -> PathBuf {
    kit.root().join("exercises/strength.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined(because: &str) -> Examined {
        let survivor = Survivor { mutant: "replace + with -".to_owned(), because: because.to_owned() };
        Examined {
            number: 7,
            fingerprint: "now".to_owned(),
            mutants: 3,
            killed: 2,
            survivors: vec![survivor],
        }
    }

    #[test]
    fn an_exercise_is_sound_when_it_was_examined_as_it_is_and_every_survivor_has_a_reason() {
        assert_eq!(faults(7, Some(&examined("it is the same")), "now", false), Vec::<String>::new());
        assert_eq!(faults(7, Some(&examined(" ")), "now", false).len(), 1);
        assert_eq!(faults(7, Some(&examined("it is the same")), "later", false).len(), 1);
    }

    #[test]
    fn an_exercise_that_nobody_examined_is_a_fault_unless_it_is_pending() {
        assert_eq!(faults(7, None, "now", false).len(), 1);
        assert_eq!(faults(7, None, "now", true), Vec::<String>::new());
        assert_eq!(faults(7, Some(&examined("it is the same")), "now", true).len(), 1);
    }

    #[test]
    fn figures_that_somebody_changed_by_hand_do_not_add_up() {
        let better = Examined { killed: 3, ..examined("it is the same") };
        assert_eq!(faults(7, Some(&better), "now", false).len(), 1);
    }
}
