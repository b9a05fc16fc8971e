//! All lessons of the kit, in order. Doors that take a lesson by number or name find it here.

use std::fmt;

use lab::Lesson;

/// The lessons, by number.
pub static LESSONS: &[&Lesson] = &[
    &await_together::LESSON,            // 01
    &backpressure::LESSON,              // 02
    &one_client::LESSON,                // 03
    &n_plus_one::LESSON,                // 04
    &background_work::LESSON,           // 05
    &state_not_globals::LESSON,         // 06
    &a_seam_for_tests::LESSON,          // 07
    &extractors::LESSON,                // 08
    &pool_starvation::LESSON,           // 09
    &passwords::LESSON,                 // 10
    &access_tokens::LESSON,             // 11
    &refresh_tokens::LESSON,            // 12
    &authorization::LESSON,             // 13
    &transport_hygiene::LESSON,         // 14
    &layers_that_point_inward::LESSON,  // 15
    &errors_and_panics::LESSON,         // 16
    &whole_app_tests::LESSON,           // 17
    &blocking_the_runtime::LESSON,      // 18
    &cpu_work::LESSON,                  // 19
    &locks_across_await::LESSON,        // 20
    &timeouts_and_cancellation::LESSON, // 21
    &parse_dont_validate::LESSON,       // 22
    &wire_contracts::LESSON,            // 23
    &settings_and_boot::LESSON,         // 24
];

/// The lesson of that number or name: see [`Lesson::is_called`].
///
/// # Errors
/// If there is no such lesson; the text names those that there are.
pub fn find(asked: &str) -> Result<&'static Lesson, UnknownLesson> {
    let found = LESSONS.iter().copied().find(|lesson| lesson.is_called(asked));
    found.ok_or_else(|| UnknownLesson(asked.to_owned()))
}

/// A lesson that does not exist. The text names the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLesson(String);

impl fmt::Display for UnknownLesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = LESSONS.iter().map(|lesson| format!("{:02}", lesson.number)).collect();
        let numbers = match numbers.as_slice() {
            [first, .., last]
                if LESSONS.last().map(|lesson| usize::from(lesson.number)) == Some(LESSONS.len()) =>
            {
                format!("{first} to {last}")
            }
            some => some.join(", "),
        };
        write!(f, "lesson {} does not exist. There are lessons {numbers}; `cargo lab` lists them.", self.0)
    }
}

impl std::error::Error for UnknownLesson {}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use lab::Side;

    use super::*;

    #[test]
    fn lessons_stand_in_the_order_of_their_numbers() {
        assert!(LESSONS.is_sorted_by(|a, b| a.number < b.number));
    }

    #[test]
    fn every_lesson_has_its_folder_with_the_same_files() {
        let lessons = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for lesson in LESSONS {
            for file in ["Cargo.toml", "src/lib.rs", "src/wrong.rs", "src/right.rs", "tests/proof.rs"] {
                let path = lessons.join(lesson.folder()).join(file);
                assert!(path.is_file(), "{} is missing", path.display());
            }
        }
    }

    #[test]
    fn every_folder_of_a_lesson_is_in_the_catalogue() {
        let lessons = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let listed: BTreeSet<_> = LESSONS.iter().map(|lesson| lesson.folder()).collect();
        let there: BTreeSet<_> = std::fs::read_dir(lessons)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
            .collect();
        assert_eq!(there, listed);
    }

    #[test]
    fn every_experiment_compares_a_wrong_way_with_a_right_one() {
        for lesson in LESSONS {
            assert!(!lesson.experiments.is_empty(), "{}", lesson.slug);
            for experiment in lesson.experiments {
                for side in [Side::Wrong, Side::Right] {
                    assert!(
                        experiment.variants.iter().any(|variant| variant.side == side),
                        "{} {} has no {side} variant",
                        lesson.slug,
                        experiment.slug
                    );
                }
            }
        }
    }

    #[test]
    fn every_control_starts_inside_its_bounds() {
        for experiment in LESSONS.iter().flat_map(|lesson| lesson.experiments) {
            for control in experiment.controls {
                assert!(
                    (control.min..=control.max).contains(&control.default),
                    "{} {}",
                    experiment.slug,
                    control.name
                );
            }
        }
    }

    #[test]
    fn a_lesson_is_found_by_number_and_by_name() {
        for asked in ["18", "018", "blocking-the-runtime", "18-blocking-the-runtime"] {
            assert_eq!(find(asked).unwrap().number, 18, "{asked}");
        }
    }

    #[test]
    fn an_unknown_lesson_is_refused_with_the_ones_that_there_are() {
        for asked in ["31", "-1", "999", "", "blocking"] {
            let error = find(asked).unwrap_err().to_string();
            assert!(error.contains("There are lessons 01") && error.contains("cargo lab"), "{error}");
        }
    }
}
