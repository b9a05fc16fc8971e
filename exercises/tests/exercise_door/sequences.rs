//! Whatever is typed in whatever order: nothing that a learner has written is ever lost.

use std::{collections::BTreeSet, fs};

use exercises::{answer, kit::Kit};
use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

use crate::place::{Place, text};

/// What a learner does.
#[derive(Clone, Debug)]
enum Step {
    Start,
    Write(u8),
    Reset,
    Restore,
    Delete,
    List,
    Hint,
    Check,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Start),
        any::<u8>().prop_map(Step::Write),
        Just(Step::Reset),
        Just(Step::Restore),
        Just(Step::Delete),
        Just(Step::List),
        Just(Step::Hint),
        Just(Step::Check),
    ]
}

/// Everything that lies there as an answer or as a copy of one.
fn kept(place: &Place) -> BTreeSet<String> {
    let folder = place.exercise().join("tests");
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| text(&entry.unwrap().path())).collect()
}

proptest! {
    // 100 sequences of up to 200 steps: about 10 000 steps.
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_loses_what_was_written(steps in prop::collection::vec(step(), 1..200)) {
        let place = Place::new();
        let exercise = Kit::at(place.root()).exercise("18").unwrap();
        let mut now = OffsetDateTime::UNIX_EPOCH;
        for step in steps {
            let before = kept(&place);
            let answer_before = fs::read_to_string(place.answer()).ok();
            match step {
                // The learner's own deeds may overwrite the answer; only what the runner does is judged.
                Step::Write(work) if place.answer().exists() => {
                    fs::write(place.answer(), format!("work {work}")).unwrap();
                    continue;
                }
                Step::Delete => {
                    let _ = fs::remove_file(place.answer());
                    continue;
                }
                Step::Start | Step::Write(_) => {
                    let made = answer::start(&exercise).unwrap();
                    prop_assert_eq!(made, answer_before.is_none());
                }
                Step::Reset => {
                    let done = answer::reset(&exercise, now);
                    prop_assert_eq!(done.is_ok(), answer_before.is_some());
                }
                Step::Restore => {
                    let had_copies = !answer::copies(&exercise).unwrap().is_empty();
                    prop_assert_eq!(answer::restore(&exercise, now).is_ok(), had_copies);
                }
                Step::List | Step::Hint | Step::Check => {}
            }
            // Some steps fall into one second, most do not.
            now += Duration::milliseconds(700);
            let after = kept(&place);
            prop_assert!(before.is_subset(&after), "{:?} is gone", before.difference(&after));
        }
    }

    // Through the door each step is a process, so there are fewer.
    #[test]
    fn no_sequence_of_words_loses_what_was_written(steps in prop::collection::vec(step(), 1..4)) {
        let place = Place::new();
        for step in steps {
            let words: &[&str] = match step {
                Step::Start => &["start", "18"],
                Step::Reset => &["reset", "18"],
                Step::Restore => &["restore", "18"],
                Step::List => &["list"],
                Step::Hint => &["hint", "18"],
                Step::Check => &["check", "18"],
                Step::Write(work) => {
                    if place.answer().exists() {
                        fs::write(place.answer(), format!("work {work}")).unwrap();
                    }
                    continue;
                }
                Step::Delete => continue,
            };
            let before = kept(&place);
            place.type_in(words);
            let after = kept(&place);
            prop_assert!(before.is_subset(&after), "{:?} is gone after {words:?}", before.difference(&after));
        }
    }
}
